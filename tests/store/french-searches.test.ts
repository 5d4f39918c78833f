import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { loadSearchParameters } from '../../src/store/index.ts';
import { type Fixture, openFixture } from './fixture.ts';

// Searches that the capability statements of the French directory, agenda, notification and trace guides ask of a server.

const PROFILES = new URL('../../profiles', import.meta.url).pathname;
const DIRECTORY = 'https://interop.esante.gouv.fr/ig/fhir/annuaire/StructureDefinition/';

/** The mark that says which system and which authority an entry of the directory came from. */
const trace = (system: string, authority: string) => ({
  url: `${DIRECTORY}as-ext-data-trace`,
  extension: [
    { url: 'systeme-information', valueCode: system },
    {
      url: 'autorite-enregistrement',
      valueCodeableConcept: { coding: [{ system: 'urn:authorities', code: authority }] },
    },
  ],
});

let fixture: Fixture;
beforeAll(async () => {
  fixture = openFixture({ searchParameters: loadSearchParameters(PROFILES) });
  await fixture.put({
    resourceType: 'Organization',
    id: 'pharmacy',
    meta: { extension: [trace('CG', 'ARS-R11')] },
    name: 'Pharmacie des Lilas',
    identifier: [
      { type: { coding: [{ code: 'FINEG' }] }, system: 'https://finess.esante.gouv.fr', value: '930000017' },
    ],
    address: [
      {
        line: ['12 RUE DES GLYCINES'],
        extension: [
          {
            url: 'https://hl7.fr/ig/fhir/core/StructureDefinition/fr-core-address-insee-code',
            valueCoding: { code: '93045' },
          },
        ],
      },
    ],
    extension: [
      {
        url: 'http://hl7.org/fhir/StructureDefinition/organization-period',
        valuePeriod: { start: '2019-04-01' },
      },
      { url: `${DIRECTORY}as-ext-organization-pharmacy-licence`, valueString: '93#000123' },
    ],
  });
  await fixture.put({
    resourceType: 'Practitioner',
    id: 'nurse',
    identifier: [{ type: { coding: [{ code: 'RPPS' }] }, system: 'https://rpps.esante.gouv.fr', value: '10009990017' }],
    qualification: [{ code: { coding: [{ system: 'urn:professions', code: '60' }] } }],
    telecom: [
      {
        system: 'email',
        value: 'odile.vasseur@pro.example-mss.fr',
        extension: [
          {
            url: `${DIRECTORY}as-ext-mailbox-mss-metadata`,
            extension: [{ url: 'type', valueCodeableConcept: { coding: [{ system: 'urn:mailboxes', code: 'PER' }] } }],
          },
        ],
      },
    ],
    extension: [
      {
        url: `${DIRECTORY}as-ext-smartcard`,
        extension: [
          { url: 'type', valueCodeableConcept: { coding: [{ system: 'urn:cards', code: 'CPS' }] } },
          { url: 'number', valueString: '2700123456' },
        ],
      },
    ],
  });
  await fixture.put({
    resourceType: 'Appointment',
    id: 'visit',
    status: 'booked',
    priority: 5,
    created: '2026-01-02',
    start: '2026-01-04T10:15:00+01:00',
    end: '2026-01-04T10:30:00+01:00',
    description: 'Consultation post-Covid',
    comment: 'Venir accompagnée',
    participant: [{ status: 'accepted', actor: { reference: 'Practitioner/nurse' } }],
  });
  await fixture.put({
    resourceType: 'CommunicationRequest',
    id: 'left',
    status: 'active',
    extension: [
      {
        url: 'https://interop.esante.gouv.fr/ig/fhir/nde/StructureDefinition/event-type',
        valueCodeableConcept: { coding: [{ system: 'urn:events', code: 'SOR' }] },
      },
    ],
  });
  await fixture.put({
    resourceType: 'AuditEvent',
    id: 'trace',
    type: { system: 'http://dicom.nema.org/resources/ontology/DCM', code: '110101' },
    recorded: '2026-01-07T09:32:15Z',
    period: { start: '2026-01-07T09:30:00Z', end: '2026-01-07T09:32:00Z' },
    agent: [{ requestor: true, who: { reference: 'Practitioner/nurse' } }],
    source: { observer: { display: 'Traceur' } },
  });
});
afterAll(() => fixture.close());

test.each([
  ['Organization?address-line=12%20rue%20des%20glycines', ['pharmacy']],
  ['Organization?address-insee=93045', ['pharmacy']],
  ['Organization?data-information-system=CG', ['pharmacy']],
  ['Organization?data-information-system=RPPS', []],
  ['Organization?data-registration-authority=urn:authorities|ARS-R11', ['pharmacy']],
  ['Organization?identifier-type=FINEG', ['pharmacy']],
  ['Organization?pharmacy-licence=93%23000123', ['pharmacy']],
  ['Organization?period=ge2020-01-01', ['pharmacy']],
  ['Organization?period=lt2019-01-01', []],
  ['Practitioner?identifier-type=RPPS&qualification-code=60', ['nurse']],
  ['Practitioner?mailbox-mss=odile.vasseur@pro.example-mss.fr', ['nurse']],
  ['Practitioner?mailbox-mss-type=urn:mailboxes|PER', ['nurse']],
  ['Practitioner?mailbox-mss-type=urn:mailboxes|ORG', []],
  ['Practitioner?number-smartcard=2700123456&type-smartcard=CPS', ['nurse']],
  ['Appointment?start=ge2026-01-04T09:00:00Z&start=lt2026-01-05', ['visit']],
  ['Appointment?start=gt2026-01-04T10:15:00%2B01:00', []],
  ['Appointment?created=2026-01-02', ['visit']],
  ['Appointment?priority=5', ['visit']],
  ['Appointment?priority=1', []],
  ['Appointment?description=consultation', ['visit']],
  ['Appointment?description=venir', ['visit']],
  ['CommunicationRequest?event-type=urn:events|SOR', ['left']],
  ['CommunicationRequest?event-type=ADM', []],
  ['AuditEvent?period-start=ge2026-01-07T09:30:00Z', ['trace']],
  ['AuditEvent?period-start=2026-01-06', []],
])('%s', async (path, expected) => {
  expect(await fixture.ids(path)).toEqual(expected);
});
