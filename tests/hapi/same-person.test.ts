import { describe } from '@jest/globals';
import { samePerson } from '../e2e/same-person.ts';
import { hapiBehind, whyNoHapi } from './server.ts';

const suite = whyNoHapi() ? describe.skip : describe;

suite('a Patient created through the FHIR API, with a real HAPI FHIR server behind it', () => {
  samePerson(hapiBehind, 120_000);
});
