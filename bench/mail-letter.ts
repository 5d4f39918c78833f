import { randomBytes } from 'node:crypto';
import type { DocumentReference } from '@medplum/fhirtypes';
import type { MailConfig } from '../src/adapters/mail/config.ts';
import type { Letter } from '../src/adapters/mail/letter.ts';

/** The settings of the mail door that making a mail needs. */
export const config = {
  patientDomain: 'patient.mssante.fr',
  messageIdDomain: 'bench.example',
  productNumber: 'BENCH',
  sourceId: '1.2.250.1.999.1.1',
} as MailConfig;

/** A document of that many bytes whose text does not compress to nothing: a quarter of it is random. */
export function documentOf(bytes: number): Buffer {
  const text = Buffer.from(randomBytes(bytes / 8).toString('hex'));
  return Buffer.concat([Buffer.from('<ClinicalDocument>'), text, Buffer.alloc(bytes - text.length, 'x ')]);
}

/** A letter with that document, and a PDF copy inside it. */
export function letterOf(cda: Buffer, number: number): Letter {
  const reference = {
    resourceType: 'DocumentReference',
    status: 'current',
    masterIdentifier: { system: 'urn:ietf:rfc:3986', value: `urn:oid:1.2.3.${number}` },
    type: { coding: [{ system: 'http://loinc.org', code: '34112-3', display: 'CR hospitalier' }] },
    date: '2024-01-15T10:00:00Z',
    content: [{ attachment: { contentType: 'text/xml' } }],
  } as DocumentReference;
  const pdf = Buffer.concat([Buffer.from('%PDF-1.4\n'), randomBytes(1000)]);
  const contents = [
    { attachment: { contentType: 'text/xml' }, bytes: cda },
    { attachment: { contentType: 'application/pdf' }, bytes: pdf },
  ];
  return {
    from: 'A <a@bench.example>',
    to: 'b@bench.example',
    payload: {
      audience: 'professional',
      messageId: `${number}@bench.example`,
      documents: [],
      replaces: false,
      closes: false,
      hiddenFromPatient: false,
      askReading: true,
    },
    traits: { family: 'TEST', given: 'Anne', birthDate: '01/01/1980', qualified: true, complete: true },
    dossiers: [{ reference, contents, author: {}, authenticator: {} }],
    thread: [],
    at: new Date(0),
  };
}
