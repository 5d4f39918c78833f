import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import type { Binary, Consent, DocumentReference, Encounter, Patient, Resource } from '@medplum/fhirtypes';
import type { Conversion, Decoded } from '../../src/conversion.ts';
import { type Fault, register } from '../../src/errors.ts';
import * as cda from '../../src/formats/cda/index.ts';
import {
  acknowledge,
  type Hl7v2Tree,
  type InspectedDocument,
  inspect,
  read,
  write,
} from '../../src/formats/hl7v2/index.ts';
import { recognise } from '../../src/formats/recognise.ts';
import { sameIdentity } from '../../src/identity/index.ts';
import { loadMappings } from '../../src/mapping/index.ts';
import { type Hl7Facts, hl7Rows } from './hl7v2-facts.ts';

/** Every fact the corpus' index states about an HL7 v2 message must be found; what it says is wrong must be refused so. */
const CORPUS = join(import.meta.dirname, '../../../shared/corpus');
const present = existsSync(join(CORPUS, 'INDEX.md'));
const rows = present ? hl7Rows(readFileSync(join(CORPUS, 'INDEX.md'), 'utf8')) : [];
if (!present) console.warn(`SKIPPED: the corpus is not at ${CORPUS}; conformance of HL7 v2 was not tested.`);

const { translator, faults } = loadMappings(join(import.meta.dirname, '../../mappings'));

interface Part {
  place: string;
  contentType: string;
  bytes: Uint8Array;
  decoded: Decoded;
}

function partsOf(decoded: Decoded<Hl7v2Tree>): Part[] {
  return decoded.parts
    .filter((one) => recognise(one.bytes, one.contentType) === 'cda')
    .map((one) => ({ ...one, decoded: cda.read(one.bytes) as Decoded }));
}

function inspected({ place, decoded }: Part): InspectedDocument {
  const { patient, document } = cda.identity(decoded.tree as cda.CdaTree);
  const { birthPlace: _, ...claims } = patient;
  return {
    place,
    patient: { resourceType: 'Patient', ...claims },
    id: document.id,
    replaces: document.related.filter((one) => one.typeCode === 'RPLC').flatMap((one) => one.id),
    type: document.type?.coding?.[0]?.code,
  };
}

/** Why a row's message is refused; undefined for one that is taken. */
function refusal({ text, header }: Hl7Facts): { code: string; msa: string; err5?: string } | undefined {
  if (header.get(9)?.startsWith('ACK')) return { code: 'hl7-message-type', msa: 'AR' };
  if (text.includes('WRONG PATIENT')) return { code: 'identity-mismatch', msa: 'AR', err5: '904' };
  const placeholder = /placeholder|short|old profile|MDM\^T02 v1\.0/.test(text);
  return placeholder ? { code: 'payload-not-cda', msa: 'AE' } : undefined;
}

(present ? describe : describe.skip)('corpus HL7 v2 messages (skipped without ../shared/corpus)', () => {
  test('the mappings load and the index names 26 messages or more', () => {
    expect(faults).toEqual([]);
    expect(rows.length).toBeGreaterThanOrEqual(26);
  });
  for (const facts of rows) {
    describe(facts.file, () => {
      const bytes = readFileSync(join(CORPUS, facts.file));
      const decoded = read(bytes);
      const parts = partsOf(decoded);
      const found = [
        ...decoded.faults,
        ...parts.flatMap((one) => one.decoded.faults),
        ...inspect(decoded.tree, parts.map(inspected), { sameIdentity }),
      ];
      test('is written back byte for byte', () => expect(Buffer.from(write(decoded.tree)).equals(bytes)).toBe(true));
      test('header and segments', () => headerFacts(decoded.tree, facts, bytes));
      test('patient, document, orders as sent', () => sentFacts(decoded.tree, facts));
      const refused = refusal(facts);
      if (refused) test(`is refused: ${refused.code}`, () => refusedAs(bytes, found, refused));
      else {
        test('is accepted', () => expect(found.filter((one) => one.severity === 'error')).toEqual([]));
        const conversion = translator!.convert(decoded as Decoded, {
          sender: 'conformance',
          messageIdentity: facts.file,
          receivedAt: new Date('2024-06-01T00:00:00Z'),
          bytes,
          parts,
          account: true,
        });
        test('no value falls', () => expect(conversion.account?.fallen).toEqual([]));
        test('resources', () => resourceFacts(conversion, facts, parts, found));
      }
    });
  }
});

function headerFacts(tree: Hl7v2Tree, { header, segments, endOfLine }: Hl7Facts, bytes: Buffer): void {
  const { fields } = tree.raw.segments[0]!;
  for (const [number, value] of header) expect([number, fields[number] || '-']).toEqual([number, value]);
  const names = tree.raw.segments.map((one) => one.fields[0]!);
  for (const name of segments) expect(names).toContain(name);
  expect(bytes.includes(endOfLine === 'CR' ? '\r' : '\n')).toBe(true);
}

function sentFacts(tree: Hl7v2Tree, facts: Hl7Facts): void {
  const pid = tree.PID?.[0];
  const { f12, f13, f17, f2 } = tree.TXA?.[0] ?? {};
  const name = pid?.f5?.[0]?.name;
  const ins = pid?.f3?.find((one) => one.c5?.s1 === 'INS')?.identifier;
  expect({ ins: ins?.value, name: name && `${name.family} ${name.given?.join(' ')}` }).toEqual({
    ins: facts.ins,
    name: facts.name,
  });
  expect(pid?.f32?.[0]?.text).toBe(facts.status);
  expect([f2?.[0]?.text, f17?.[0]?.text]).toEqual([facts.type, facts.availability]);
  if (facts.documentId) expect(f12?.[0]?.c1?.s1).toBe(facts.documentId.split('^')[0]);
  if (facts.parentId) expect(f13?.[0]?.c1?.s1).toBe(facts.parentId.split('^')[0]);
  expect(tree.ORC?.[0]?.f1?.[0]?.text).toBe(facts.order);
  for (const [code, status] of facts.results) {
    const obx = tree.OBX.find((one) => one.f3?.[0]?.c1?.s1 === code);
    expect([code, obx?.f11?.[0]?.text]).toEqual([code, status]);
  }
  if (tree.message.type !== 'ZAM') {
    for (const [flag, answer] of Object.entries(facts.metadata)) {
      expect([flag, tree.metadata[flag as 'DESTDMP']]).toEqual([flag, answer]);
    }
  }
  if (facts.acknowledges) expect(JSON.stringify(tree)).toContain(`"${facts.acknowledges}"`);
}

function refusedAs(
  bytes: Buffer,
  found: Fault[],
  { code, msa, err5 }: { code: string; msa: string; err5?: string },
): void {
  const errors = found.filter((one) => one.severity === 'error');
  expect(errors[0]?.code).toBe(code);
  expect(register[errors[0]!.code].msa).toBe(msa);
  const answer = { code: register[errors[0]!.code].msa, faults: errors, controlId: '1', at: new Date() };
  const { tree } = read(acknowledge(bytes, answer));
  expect(tree.MSA[0]!.f1?.[0]?.text).toBe(msa);
  if (err5) expect(tree.ERR[0]!.f5?.[0]?.c1?.s1).toBe(err5);
}

function resourceFacts(conversion: Conversion, facts: Hl7Facts, parts: Part[], found: Fault[]): void {
  expect(conversion.faults.filter((one) => one.severity === 'error')).toEqual([]);
  const all = <R extends Resource>(type: R['resourceType']): R[] =>
    conversion.drafts.map((one) => one.resource).filter((one): one is R => one.resourceType === type);
  if (facts.header.get(9)?.startsWith('ZAM')) {
    expect(all('Communication')).toHaveLength(1);
    return;
  }
  patientFacts(all<Patient>('Patient'), facts);
  if (facts.feed) consentFacts(all<Consent>('Consent'), facts);
  const [encounter] = all<Encounter>('Encounter');
  if (facts.header.get(9)?.startsWith('ADT'))
    expect(encounter).toMatchObject({ status: 'in-progress', class: { code: 'IMP' } });
  if (parts.length === 0) return;
  const references = all<DocumentReference>('DocumentReference').filter((one) => one.masterIdentifier);
  expect(references).toHaveLength(parts.length);
  for (const [index, part] of parts.entries()) {
    const { attachment } = references[index]!.content[0]!;
    const binary = conversion.drafts.find((one) => one.fullUrl === attachment.url)?.resource as Binary;
    expect(Buffer.from(String(binary.data), 'base64').equals(Buffer.from(part.bytes))).toBe(true);
  }
  const { orders } = conversion;
  expect(orders).toMatchObject({
    event: { NW: 'new', RO: 'replace', CA: 'withdraw' }[facts.order ?? 'NW'],
    dmp: facts.metadata.DESTDMP ?? false,
    mssProfessional: facts.metadata.DESTMSSANTEPS ?? false,
    hiddenFromPatient: facts.metadata.INVISIBLE_PATIENT ?? false,
    hiddenFromProfessionals: facts.metadata.MASQUE_PS ?? false,
  });
  if (facts.metadata.INVISIBLE_PATIENT) expect(orders!.mssPatient).toBe(false);
  expect(orders!.recipients.length).toBeGreaterThan(0);
  if (facts.order === 'RO') expect(conversion.intents).toContainEqual(expect.objectContaining({ kind: 'replace' }));
  if (facts.combination) {
    expect(found.some((one) => one.code === 'mss-combination')).toBe(facts.combination === 'OUTSIDE');
  }
}

function patientFacts(patients: Patient[], facts: Hl7Facts): void {
  expect(patients).toHaveLength(1);
  const [patient] = patients as [Patient];
  expect(patient.identifier).toContainEqual(expect.objectContaining({ value: facts.ins, use: 'official' }));
  const birth = patient.name?.find((one) => one.use === 'official');
  expect(`${birth?.family} ${birth?.given?.[0]}`).toBe(facts.name);
  expect(patient.birthDate?.replaceAll('-', '')).toBe(facts.birth);
  expect(patient.gender).toBe(facts.sex === 'F' ? 'female' : 'male');
  expect(JSON.stringify(patient.extension)).toContain(`"${facts.status}"`);
}

/** What was not collected (NA) makes no consent. */
function consentFacts(consents: Consent[], { feed, consult }: Hl7Facts): void {
  const answers: Record<string, string | undefined> = { INO: 'permit', IO: 'deny', IC: 'permit', INC: 'deny' };
  const of = (kind: string) => consents.find((one) => one.category?.[0]?.coding?.[0]?.code === kind)?.provision?.type;
  expect([of('dmp-feed'), of('dmp-consult')]).toEqual([answers[feed!], answers[consult!]]);
}
