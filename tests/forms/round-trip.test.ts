import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { describe, expect, test } from '@jest/globals';
import type { Identifier, Resource } from '@medplum/fhirtypes';
import fc from 'fast-check';
import { type Fault, sentence } from '../../src/errors.ts';
import { type FormRoute, loadMappings } from '../../src/mapping/index.ts';
import { formsOf } from './generate.ts';

/**
 * in → FHIR → out → in: the form written back is the form read, and reading it again gives the same resources. `npm run forms`
 * takes 200 cases of each form, `npm test` 40.
 */
const RUNS = Number(process.env.FORM_RUNS ?? 40);
const { translator, faults } = loadMappings(join(import.meta.dirname, '../../mappings'));
const AT = new Date('2021-06-01T09:00:00Z');

test('the maps that write forms have no fault', () => {
  expect(faults.map((one) => sentence(one))).toEqual([]);
});

describe.each(translator!.forms.map((form) => [form.name, form] as const))('%s', (_name, form) => {
  test(`${RUNS} generated forms come back as they went in`, () => {
    fc.assert(
      fc.property(formsOf(form.name), (given) => {
        const first = read(form, given);
        const { form: written, faults: found } = write(form, first);
        same(sentences(found), []);
        same(ageless(written!), ageless(given));
        same(resourcesOf(read(form, written)), resourcesOf(first));
      }),
      { numRuns: RUNS },
    );
  });
});

/** Jest's comparison, which tells where the difference is, only when there is one: it takes ten times as long. */
function same(actual: unknown, expected: unknown): void {
  if (!isDeepStrictEqual(actual, expected)) expect(actual).toEqual(expected);
}

function sentences(list: Fault[]): string[] {
  return list.map((one) => `${one.place} ${sentence(one)}`);
}

function read({ route }: FormRoute, tree: unknown) {
  const decoded = { format: 'json' as const, tree, faults: [], parts: [] };
  const context = { sender: 'test', messageIdentity: 'one', receivedAt: AT, route };
  const { drafts, faults: found } = translator!.convert(decoded, context);
  same(sentences(found.filter((one) => one.severity === 'error')), []);
  return drafts;
}

function write(form: FormRoute, drafts: ReturnType<typeof read>) {
  const of = drafts.find(
    ({ resource }) => resource.resourceType === form.of.type && numbersOf(resource).includes(form.of.system),
  );
  return translator!.write(form, { of: of!.resource, resources: drafts }, AT);
}

function numbersOf(resource: Resource): (string | undefined)[] {
  const { identifier } = resource as { identifier?: Identifier | Identifier[] };
  return [identifier ?? []].flat().map(({ system }) => system);
}

/** The date of an issue of the directory is told only by the count of places. */
function ageless(form: object): object {
  return 'directory' in form ? { ...form, date: undefined } : form;
}

function resourcesOf(drafts: ReturnType<typeof read>): unknown[] {
  return drafts.map(({ key, resource, write: how }) => ({
    key,
    how,
    resource: JSON.parse(JSON.stringify(resource).replaceAll(/"url":"asOf","valueDateTime":"[^"]+"/g, '"url":"asOf"')),
  }));
}
