import { describe } from '@jest/globals';
import { embedded } from './behind.ts';
import { startFhirServer } from './fhir-server.ts';
import { limitedTo } from './limited.ts';
import { samePerson } from './same-person.ts';

describe('a Patient created through the FHIR API: embedded server', () => {
  samePerson(embedded);
});

describe('a Patient created through the FHIR API: a server that takes no ids of ours', () => {
  samePerson(async () => {
    const server = await startFhirServer(limitedTo(['conditionalCreate', 'conditionalUpdate']));
    return { settings: { PASSERELLE_FHIR: server.base }, stop: () => server.stop() };
  });
});
