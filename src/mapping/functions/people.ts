import { usedOnly } from '../run.ts';
import { isEmpty, items, object, text } from '../values.ts';
import type { MapFunction } from './function.ts';

const IDENTIFIER_TYPES = 'http://terminology.hl7.org/CodeSystem/v2-0203';

/**
 * `identifier(system, value, use?, typeCode?)`: an Identifier; nothing without a value. The type is a code of HL7 table
 * 0203 (https://terminology.hl7.org/CodeSystem-v2-0203.html). `identifier({system, value})` takes a reader's.
 */
const identifier: MapFunction = {
  args: [1, 4],
  type: 'Identifier',
  call: (run, system, value, use, type) => {
    const source = object(system);
    if (source) {
      usedOnly(run, source, ['system', 'value', 'use']);
      return compact({ use: text(value) ?? text(source.use), system: text(source.system), value: text(source.value) });
    }
    const number = text(value)?.trim();
    if (!number) return undefined;
    const code = text(type);
    return compact({
      use: text(use),
      type: code ? { coding: [{ system: IDENTIFIER_TYPES, code }] } : undefined,
      system: text(system),
      value: number,
    });
  },
};

/** `humanName(family, given, use?)`: a HumanName; `given` may be a list. Nothing without either. */
const humanName: MapFunction = {
  args: [1, 3],
  type: 'HumanName',
  call: (_run, family, given, use) => {
    const names = items(given).flatMap((one) => text(one)?.trim() || []);
    const last = text(family)?.trim();
    if (!last && names.length === 0) return undefined;
    return compact({ use: text(use), family: last, given: names.length > 0 ? names : undefined });
  },
};

/** `contactPoint(system, value, use?)`: a ContactPoint; nothing without a value. `tel:`, `mailto:` in front are dropped. */
const contactPoint: MapFunction = {
  args: [2, 3],
  type: 'ContactPoint',
  call: (_run, system, value, use) => {
    const number = text(value)
      ?.replace(/^(tel|mailto|fax|sms):/i, '')
      .trim();
    return number ? compact({ system: text(system), value: number, use: text(use) }) : undefined;
  },
};

/** `address(line, postalCode, city, country?, use?, text?)`: an Address; `line` may be a list. Nothing when all is empty. */
const address: MapFunction = {
  args: [1, 6],
  type: 'Address',
  call: (_run, line, postalCode, city, country, use, words) => {
    const lines = items(line).flatMap((one) => text(one)?.trim() || []);
    const parts = { postalCode: text(postalCode), city: text(city), country: text(country), text: text(words) };
    if (lines.length === 0 && Object.values(parts).every(isEmpty)) return undefined;
    return compact({
      use: text(use),
      text: parts.text,
      line: lines.length > 0 ? lines : undefined,
      city: parts.city,
      postalCode: parts.postalCode,
      country: parts.country,
    });
  },
};

/** Functions of the mapping language that make names, numbers and addresses of people and structures. */
export const peopleFunctions: Record<string, MapFunction> = { identifier, humanName, contactPoint, address };

/** Without what is undefined. */
export function compact<T extends Record<string, unknown>>(value: T): T {
  const kept = {} as Record<string, unknown>;
  for (const name in value) if (value[name] !== undefined) kept[name] = value[name];
  return kept as T;
}
