import { intervalOf } from './dates.ts';

/**
 * What the index holds of one value, by kind of parameter: `[code, system]`, `[target]`, `[low, high]`, `[folded, exact]`,
 * `[low, high, system, code, unit]`. Values are read by their shape, so that content of any origin can be indexed and
 * nothing here throws. https://hl7.org/fhir/R4/search.html#ptypes
 */
export type Row = (string | number)[];

/** Kinds of values the index keeps, each in a table of its own. */
export type Kind = 'token' | 'reference' | 'date' | 'string' | 'quantity';

/** System of a code that has none of its own because its element binds it (`Patient.gender`): any system asks for it. */
export const ANY_SYSTEM = '*';

const TOKEN_LENGTH = 512;
const STRING_LENGTH = 256;
const CONTACT_SYSTEMS = new Set(['phone', 'fax', 'email', 'pager', 'url', 'sms', 'other']);

type Shape = Record<string, unknown>;

const text = (value: unknown): string => (typeof value === 'string' ? value.slice(0, TOKEN_LENGTH) : '');

/** Tokens of a code, boolean, Coding, CodeableConcept, Identifier or ContactPoint. */
export function tokens(value: unknown): Row[] {
  if (typeof value === 'string') return value ? [[text(value), ANY_SYSTEM]] : [];
  if (typeof value === 'boolean' || typeof value === 'number') return [[String(value), ANY_SYSTEM]];
  if (value === null || typeof value !== 'object') return [];
  const { coding, code, system, value: identifier } = value as Shape;
  if (Array.isArray(coding)) return coding.flatMap(tokens);
  if (typeof code === 'string') return [[text(code), text(system)]];
  if (typeof identifier === 'string') {
    const isContact = typeof system === 'string' && CONTACT_SYSTEMS.has(system);
    return [[text(identifier), isContact ? ANY_SYSTEM : text(system)]];
  }
  return [];
}

/** `deceased[x]`: true when it is true or a date, false otherwise, also when the element is absent. */
export function deceasedToken(values: unknown[]): Row[] {
  return [[String(values.some((value) => value === true || typeof value === 'string')), ANY_SYSTEM]];
}

/** A uri, url, canonical or oid, without the version of a canonical. */
export function uris(value: unknown): Row[] {
  return typeof value === 'string' && value ? [[text(value), '']] : [];
}

/**
 * A Reference, canonical or uri. References into the resource itself (`#x`) are named by their owner, so that chains reach
 * contained resources.
 * @param owner `Type/id` of the resource being indexed
 * @param local makes the bases of this server relative
 */
export function references(value: unknown, owner: string, local: (url: string) => string): Row[] {
  const target = typeof value === 'string' ? value : (value as Shape | null)?.reference;
  if (typeof target !== 'string' || !target) return [];
  if (target.startsWith('#')) return [[owner + text(target)]];
  return [[text(withoutVersion(local(target)))]];
}

/** The identifier a Reference carries besides or instead of a literal reference. */
export function referenceIdentifier(value: unknown): Row[] {
  const identifier = (value as Shape | null)?.identifier;
  return identifier && typeof identifier === 'object' ? tokens(identifier) : [];
}

/** `Type/id/_history/2` and `canonical|2` name the thing and a version of it; searches look for the thing. */
export function withoutVersion(target: string): string {
  return target.replace(/\/_history\/[^/]+$/, '').replace(/\|[^|]*$/, '');
}

/** A date, dateTime, instant, Period or Timing. */
export function dates(value: unknown): Row[] {
  const found = intervalOf(value);
  return found ? [[found.low, found.high]] : [];
}

const STRING_PARTS = [
  'family',
  'given',
  'prefix',
  'suffix',
  'text',
  'line',
  'city',
  'district',
  'state',
  'postalCode',
  'country',
];

/** A string, or the parts of a HumanName or an Address. */
export function strings(value: unknown): Row[] {
  if (typeof value === 'string') return value ? [[fold(value), value.slice(0, STRING_LENGTH)]] : [];
  if (value === null || typeof value !== 'object') return [];
  return STRING_PARTS.flatMap((part) => {
    const held = (value as Shape)[part];
    return (Array.isArray(held) ? held : [held]).flatMap((one) => (typeof one === 'string' ? strings(one) : []));
  });
}

/**
 * A string as searches compare it: without case, accents and ligatures, with punctuation and white space as one space:
 * `Léa-Marie D’Œuvre` is `lea marie d oeuvre`.
 */
export function fold(value: string): string {
  return value
    .slice(0, STRING_LENGTH)
    .normalize('NFD')
    .replace(/\p{M}+/gu, '')
    .toLowerCase()
    .replace(/[œæß]/g, (one) => ({ œ: 'oe', æ: 'ae', ß: 'ss' })[one]!)
    .replace(/[\s\p{P}]+/gu, ' ')
    .trim();
}

/** A number, Quantity, Range, Money or SampledData, as an interval with its unit. */
export function quantities(value: unknown): Row[] {
  if (typeof value === 'number') return Number.isFinite(value) ? [[value, value, '', '', '']] : [];
  if (value === null || typeof value !== 'object') return [];
  const { value: number, comparator, low, high, system, code, unit, currency, origin } = value as Shape;
  if (typeof number === 'number' && Number.isFinite(number)) {
    const open = typeof comparator === 'string' ? comparator : '';
    const coded = typeof currency === 'string' ? ['urn:iso:std:iso:4217', currency] : [text(system), text(code)];
    return [[open[0] === '<' ? -1e308 : number, open[0] === '>' ? 1e308 : number, coded[0]!, coded[1]!, text(unit)]];
  }
  if (origin) return quantities(origin);
  const from = (low as Shape | undefined)?.value;
  const to = (high as Shape | undefined)?.value;
  if (typeof from !== 'number' && typeof to !== 'number') return [];
  const measured = (low ?? high) as Shape;
  return [
    [
      typeof from === 'number' ? from : -1e308,
      typeof to === 'number' ? to : 1e308,
      text(measured.system),
      text(measured.code),
      text(measured.unit),
    ],
  ];
}
