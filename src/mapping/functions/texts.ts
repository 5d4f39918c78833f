import { items, number, single, text } from '../values.ts';
import type { MapFunction } from './function.ts';
import { isSafeXhtml } from './xhtml.ts';

/** `append(a, b, …)`: texts one after another; nothing when all are empty. */
const append: MapFunction = {
  args: [1, 12],
  call: (_run, ...values) => {
    let words = '';
    for (const value of values) words += typeof value === 'string' ? value : items(value).map(text).join('');
    return words || undefined;
  },
};

/** `truncate(x, length)`: at most that many characters, cut between characters. */
const truncate: MapFunction = {
  args: [2, 2],
  call: (_run, value, length) => {
    const words = text(value);
    const most = number(length) ?? 0;
    return words === undefined || words.length <= most ? words : [...words].slice(0, most).join('');
  },
};

/** `escape(x)`: a text as XML character data. */
const escapeText: MapFunction = { args: [1, 1], call: (_run, value) => escaped(text(value)) };

/**
 * `narrative(x, status?)`: a Narrative (https://hl7.org/fhir/R4/narrative.html). XHTML that is a `<div>` with only allowed
 * elements and attributes is taken as it is; anything else becomes escaped text, its line ends `<br/>`. Status `generated`.
 */
const narrative: MapFunction = {
  args: [1, 2],
  type: 'Narrative',
  call: (_run, value, status) => {
    const words = text(value)?.trim();
    if (!words) return undefined;
    const div = words.startsWith('<div') && isSafeXhtml(words) ? words : `${DIV}${lines(words)}</div>`;
    return { status: text(status) ?? 'generated', div };
  },
};

/** `cast(x, 'integer' | 'decimal' | 'string' | 'boolean' | 'code')`: another primitive type; nothing when it does not fit. */
const cast: MapFunction = {
  args: [2, 2],
  call: (_run, value, type) => {
    const wanted = text(type);
    if (wanted === 'integer' || wanted === 'decimal') {
      const amount = number(value);
      return wanted === 'integer' && !Number.isInteger(amount) ? undefined : amount;
    }
    if (wanted !== 'boolean') return text(value);
    const words = text(value)?.toLowerCase();
    return words === 'true' || words === '1' ? true : words === 'false' || words === '0' ? false : undefined;
  },
};

/** `json(x)`: a whole part of the tree as JSON text, for what is kept verbatim. */
const json: MapFunction = {
  args: [1, 1],
  call: (_run, value) => (single(value) === undefined ? undefined : JSON.stringify(value)),
};

/** `canonical(x)`: the same, with properties in the order of their names: what was sent again in another order is equal. */
const canonical: MapFunction = {
  args: [1, 1],
  call: (_run, value) => (single(value) === undefined ? undefined : JSON.stringify(sorted(value))),
};

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (value === null || typeof value !== 'object') return value;
  const names = Object.keys(value).sort();
  return Object.fromEntries(names.map((name) => [name, sorted((value as Record<string, unknown>)[name])]));
}

/** Functions of the mapping language about texts and narrative. */
export const textFunctions: Record<string, MapFunction> = {
  append,
  truncate,
  escape: escapeText,
  narrative,
  cast,
  json,
  canonical,
};

const DIV = '<div xmlns="http://www.w3.org/1999/xhtml">';
const ENTITIES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

function escaped(words: string | undefined): string | undefined {
  return words?.replace(/[&<>"]/g, (sign) => ENTITIES[sign]!);
}

function lines(words: string): string {
  return words
    .split(/\r\n|\r|\n/)
    .map(escaped)
    .join('<br/>');
}
