import fc from 'fast-check';
import { elementsOf, holdsResource, isPrimitive } from '../../../src/formats/fhir/elements.ts';

type Json = Record<string, unknown>;

const text = fc
  .string({ unit: 'grapheme', minLength: 1, maxLength: 12 })
  .map((one) => `x${one.replace(/[\p{Cc}\ufffe\uffff]/gu, '')}`);

function primitive(type: string): fc.Arbitrary<unknown> {
  if (type === 'boolean') return fc.boolean();
  if (/^(integer|positiveInt|unsignedInt)$/.test(type)) return fc.nat({ max: 1_000_000 });
  if (type === 'decimal') return fc.integer({ min: -100_000, max: 100_000 }).map((one) => one / 100);
  if (type === 'xhtml')
    return text.map(
      (one) => `<div xmlns="http://www.w3.org/1999/xhtml"><p id="a">${one.replace(/[&<>"\t\n\r]/g, '')}</p></div>`,
    );
  return text;
}

const extension = fc.record({ url: fc.constant('http://example.org/e'), valueString: text });
const companion = fc.record({ id: fc.constant('i1'), extension: fc.array(extension, { minLength: 1, maxLength: 2 }) });

/** Any value of a type of the element table, a few levels deep, elements in any order. */
export function anyOf(type: string, depth: number): fc.Arbitrary<Json> {
  const entries = [...elementsOf(type)!].filter(([, spec]) => isPrimitive(spec.type) || depth > 0);
  return fc.shuffledSubarray(entries, { minLength: 1, maxLength: Math.min(5, entries.length) }).chain((chosen) => {
    const model: Record<string, fc.Arbitrary<unknown>> = {};
    for (const [name, spec] of chosen) {
      const one = someValue(name, spec.type, depth);
      model[name] = spec.list ? fc.array(one, { minLength: 1, maxLength: 2 }) : one;
      const shadowed =
        isPrimitive(spec.type) && spec.type !== 'xhtml' && name !== 'id' && !(type === 'Extension' && name === 'url');
      if (shadowed && !spec.list && depth > 1) model[`_${name}`] = companion;
    }
    return fc.record(model) as fc.Arbitrary<Json>;
  });
}

function someValue(name: string, type: string, depth: number): fc.Arbitrary<unknown> {
  if (name === 'id') return fc.constant('id-1');
  if (isPrimitive(type)) return primitive(type);
  if (holdsResource(type)) return anyOf('Basic', depth - 1).map((one) => ({ resourceType: 'Basic', ...one }));
  return anyOf(type, depth - 1);
}
