import { describe, expect, test } from '@jest/globals';
import type { Observation } from '@medplum/fhirtypes';
import fc from 'fast-check';
import { pointer } from '../../src/mapping/document.ts';
import { context, table, translatorOf } from './convert.ts';

const KNOWN = ['spo2', 'temp', 'pulse'];
const translator = translatorOf(
  `group t(source src, target bundle : Bundle) {
  src.patient as p -> bundle.entry as e, e.subject = true, e.resource = create('Patient') as patient, patient.identifier = identifier('urn:p', p), patient.active = true "patient";
  src.measures as m -> bundle.entry as e, e.resource = create('Observation') as o, o.status = 'final', o.subject = subject(),
    o.code = translate(m.kind, 'kind', 'CodeableConcept'), o.valueQuantity = quantity(m.value, translate(m.kind, 'unit')), o.effectiveDateTime = dateTime(m.at) "measure";
}`,
  {
    'codes-kind.json': table('urn:v', 'http://loinc.org', { spo2: ['2708-6'], temp: ['8310-5'], pulse: ['8867-4'] }),
    'codes-unit.json': table('urn:v', 'http://unitsofmeasure.org', { spo2: ['%'], temp: ['Cel'], pulse: ['/min'] }),
  },
);

const measure = fc.record({
  kind: fc.oneof(fc.constantFrom(...KNOWN), fc.string({ minLength: 1, maxLength: 20 })),
  value: fc.oneof(fc.integer(), fc.double({ noNaN: true, noDefaultInfinity: true }), fc.string()),
  at: fc.oneof(
    fc.date({ noInvalidDate: true }).map((date) => date.toISOString()),
    fc.string(),
  ),
});
const payload = fc.record({ patient: fc.string({ minLength: 1 }), measures: fc.array(measure, { maxLength: 8 }) });

const run = (tree: unknown, account = false) =>
  translator.convert({ format: 'json', tree, faults: [], parts: [] }, { ...context, account });

describe('whatever is sent', () => {
  test('converting is a function: twice the same, the tree untouched', () => {
    fc.assert(
      fc.property(payload, (tree) => {
        const before = JSON.stringify(tree);
        expect(JSON.stringify(run(tree))).toBe(JSON.stringify(run(tree)));
        expect(JSON.stringify(tree)).toBe(before);
      }),
    );
  });

  test('no reading is lost, and none is made up', () => {
    fc.assert(
      fc.property(payload, (tree) => {
        const { drafts } = run(tree);
        expect(drafts.filter(({ resource }) => resource.resourceType === 'Observation')).toHaveLength(
          tree.measures.length,
        );
        expect(new Set(drafts.map(({ fullUrl }) => fullUrl)).size).toBe(drafts.length);
      }),
    );
  });

  test('a code is either translated or kept as it is and reported', () => {
    fc.assert(
      fc.property(payload, (tree) => {
        const { drafts, unmapped } = run(tree);
        const observations = drafts
          .map(({ resource }) => resource)
          .filter((one): one is Observation => one.resourceType === 'Observation');
        for (const [index, { kind }] of tree.measures.entries()) {
          expect(observations[index]!.code.coding!.at(-1)).toEqual({ system: 'urn:v', code: kind });
          const reported = unmapped.some(({ code, table: name }) => code === kind && name === 'kind');
          expect(reported).toBe(!KNOWN.includes(kind));
        }
      }),
    );
  });

  test('the account is the whole tree, each value once', () => {
    fc.assert(
      fc.property(payload, (tree) => {
        const { account } = run(tree, true);
        const places = [...account!.mapped, ...account!.kept, ...account!.ignored, ...account!.fallen].map(
          ({ place }) => place,
        );
        const leaves = [
          '/patient',
          ...tree.measures.flatMap((one, index) =>
            Object.entries(one).flatMap(([name, value]) => (value === '' ? [] : [pointer(['measures', index, name])])),
          ),
        ];
        expect(places.sort()).toEqual(leaves.sort());
      }),
    );
  });

  test('any JSON at all gives an answer', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (tree) => {
        const conversion = run(tree, true);
        expect(conversion.faults.filter(({ code }) => code === 'map-crashed')).toEqual([]);
        expect(conversion.traces).toBeInstanceOf(Array);
      }),
    );
  });
});
