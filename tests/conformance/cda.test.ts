import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import type {
  Binary,
  Composition,
  CompositionSection,
  DocumentReference,
  Encounter,
  Patient,
  Practitioner,
  Resource,
} from '@medplum/fhirtypes';
import type { Conversion } from '../../src/conversion.ts';
import { read, sameDocument } from '../../src/formats/cda/index.ts';
import { hl7Date } from '../../src/formats/dates.ts';
import { systemUri } from '../../src/formats/systems.ts';
import { loadMappings } from '../../src/mapping/index.ts';
import { type CdaFacts, cdaRows } from './cda-facts.ts';

/** Every fact the corpus' index states about a CDA document must be found in the resources made from it. */
const CORPUS = join(import.meta.dirname, '../../../shared/corpus');
const present = existsSync(join(CORPUS, 'INDEX.md'));
const rows = present ? cdaRows(readFileSync(join(CORPUS, 'INDEX.md'), 'utf8')) : [];
if (!present) console.warn(`SKIPPED: the corpus is not at ${CORPUS}; conformance of CDA was not tested.`);

const { translator, faults } = loadMappings(join(import.meta.dirname, '../../mappings'));

class Found {
  readonly resources: Resource[];
  constructor(conversion: Conversion) {
    this.resources = conversion.drafts.map(({ resource }) => resource);
  }
  all<R extends Resource>(type: R['resourceType']): R[] {
    return this.resources.filter((one): one is R => one.resourceType === type);
  }
  one<R extends Resource>(type: R['resourceType']): R {
    return this.all<R>(type)[0]!;
  }
}

(present ? describe : describe.skip)('corpus CDA documents (skipped without ../shared/corpus)', () => {
  test('the mappings load and the index names 29 documents or more', () => {
    expect(faults).toEqual([]);
    expect(rows.length).toBeGreaterThanOrEqual(29);
  });
  for (const { file, facts } of rows) {
    describe(file, () => {
      const bytes = readFileSync(join(CORPUS, file));
      const decoded = read(bytes);
      const conversion = translator!.convert(decoded, {
        sender: 'conformance',
        messageIdentity: file,
        receivedAt: new Date('2024-01-01T00:00:00Z'),
        bytes,
        contentType: 'text/xml',
      });
      const found = new Found(conversion);

      test('is accepted', () => {
        expect([...decoded.faults, ...conversion.faults].filter((one) => one.severity === 'error')).toEqual([]);
      });
      test('patient', () => patientFacts(found, facts));
      test('people and structures', () => peopleFacts(found, facts));
      test('document', () => documentFacts(found, facts, conversion, bytes));
      test('stay', () => stayFacts(found, facts));
      test('body', () => bodyFacts(found, facts, bytes));
      test('codes the index quotes', () => {
        const all = JSON.stringify(conversion.drafts.map(({ resource }) => resource));
        for (const code of facts.codes)
          expect({ code, found: all.includes(`"${code}"`) }).toEqual({ code, found: true });
      });
    });
  }
});

function patientFacts(found: Found, facts: CdaFacts): void {
  const patient = found.one<Patient>('Patient');
  const official = patient.name?.find((one) => one.use === 'official');
  expect(`${official?.family} ${official?.given?.[0]}`).toBe(facts.name);
  if (facts.usedName) expect(patient.name?.find((one) => one.use === 'usual')?.family).toBe(facts.usedName);
  expect(patient.identifier).toContainEqual(
    expect.objectContaining({ system: `urn:oid:${facts.insOid}`, value: facts.ins }),
  );
  if (facts.ipp) {
    expect(patient.identifier).toContainEqual(
      expect.objectContaining({ system: systemUri(facts.ippRoot!), value: facts.ipp }),
    );
  }
  expect(patient.birthDate).toBe(hl7Date(facts.birth)!.value);
  expect(patient.gender).toBe(facts.sex === 'F' ? 'female' : 'male');
}

function peopleFacts(found: Found, facts: CdaFacts): void {
  const practitioners = found.all<Practitioner>('Practitioner');
  const all = JSON.stringify(found.resources);
  for (const { family, number } of facts.authors) {
    if (family)
      expect(
        practitioners.some((one) => one.name?.some((name) => name.family === family)) || all.includes(family),
      ).toBe(true);
    expect({ number, found: all.includes(`"${number}"`) }).toEqual({ number, found: true });
  }
  const organizations = JSON.stringify(found.all('Organization'));
  expect({ custodian: facts.custodian, found: organizations.includes(`"${facts.custodian}"`) }).toEqual({
    custodian: facts.custodian,
    found: true,
  });
  expect(found.one<DocumentReference>('DocumentReference').custodian).toBeDefined();
}

function documentFacts(found: Found, facts: CdaFacts, conversion: Conversion, bytes: Uint8Array): void {
  const reference = found.all<DocumentReference>('DocumentReference').find((one) => one.masterIdentifier)!;
  const composition = found.one<Composition>('Composition');
  expect(sameDocument(reference.masterIdentifier!, facts.id)).toBe(true);
  expect(reference.type?.coding?.[0]).toMatchObject({ code: facts.code, system: systemUri(facts.codeOid) });
  expect(composition.date).toBe(hl7Date(facts.time)!.value);
  expect(reference.content[0]!.attachment.creation).toBe(hl7Date(facts.time)!.value);
  expect(reference.securityLabel?.[0]?.coding?.[0]?.code).toBe(facts.confidentiality);
  const { attachment } = reference.content[0]!;
  expect(attachment.size).toBe(bytes.length);
  expect(attachment.hash).toBe(createHash('sha1').update(bytes).digest('base64'));
  const binary = conversion.drafts.find((one) => one.fullUrl === attachment.url)?.resource as Binary;
  expect(Buffer.from(String(binary.data), 'base64').equals(bytes)).toBe(true);
  expect(reference.identifier?.length).toBeGreaterThan(0);
  if (facts.replaces) {
    expect(conversion.intents).toContainEqual(expect.objectContaining({ kind: 'replace' }));
    expect(reference.relatesTo?.[0]).toMatchObject({ code: 'replaces' });
  }
  if (facts.version) expect(JSON.stringify(composition.extension)).toContain(`"${facts.version}"`);
}

function stayFacts(found: Found, facts: CdaFacts): void {
  if (!facts.encounter) return;
  const [low, high] = facts.encounter;
  const encounter = found.one<Encounter>('Encounter');
  expect(encounter.period?.start).toBe(low && hl7Date(low)!.value);
  expect(encounter.period?.end).toBe(high && hl7Date(high)!.value);
}

function bodyFacts(found: Found, facts: CdaFacts, bytes: Uint8Array): void {
  const codes: string[] = [];
  const walk = (sections: CompositionSection[] | undefined) => {
    for (const section of sections ?? []) {
      codes.push(...(section.code?.coding ?? []).map((coding) => coding.code!));
      expect(section.text ?? section.section ?? section.entry).toBeDefined();
      walk(section.section);
    }
  };
  walk(found.one<Composition>('Composition').section);
  for (const code of facts.sections) expect(codes).toContain(code);
  // The payloads, taken out of the source by other means.
  const text = Buffer.from(bytes).toString('latin1');
  const payloads = [...text.matchAll(/representation="B64"[^>]*>([A-Za-z0-9+/=\s]+)</g)].map(([, base64]) =>
    Buffer.from(base64!, 'base64'),
  );
  const binaries = found.all<Binary>('Binary').map((one) => Buffer.from(String(one.data), 'base64'));
  for (const payload of payloads) expect(binaries.some((one) => one.equals(payload))).toBe(true);
  if (facts.level1) expect(payloads).toHaveLength(1);
}
