import { fault, PasserelleError } from '../errors.ts';
import { answers, approximately, type Interval, interval, type Prefix, prefixed } from './dates.ts';
import type { Parameter } from './parameters.ts';
import { ANY_SYSTEM, fold, type Row, withoutVersion } from './values.ts';

/** A piece of SQL with its values. */
export interface Sql {
  text: string;
  values: (string | number)[];
}

/** One value searched for: as SQL over an index table called `i`, and as a test of one row of it. */
export interface Criterion extends Sql {
  /** A resource has at most one row that meets it, at one path. */
  unique?: boolean;
  /** The one value that the first column of the index can have. */
  first?: string;
  test(row: Row): boolean;
}

/** What sorts after every string that begins with the ones before it. */
const LAST = '\u{10FFFF}';

/** Splits at a separator that is not escaped, https://hl7.org/fhir/R4/search.html#escaping */
export function splitUnescaped(text: string, separator: ',' | '|' | '$'): string[] {
  if (!text.includes('\\')) return text.split(separator);
  const parts: string[] = [''];
  for (let at = 0; at < text.length; at++) {
    if (text[at] === '\\' && at + 1 < text.length) parts[parts.length - 1] += text[at]! + text[++at]!;
    else if (text[at] === separator) parts.push('');
    else parts[parts.length - 1] += text[at];
  }
  return parts;
}

const plain = (text: string) => text.replace(/\\([\\,|$])/g, '$1');

function invalid(parameter: string, expected: string): PasserelleError {
  return new PasserelleError(fault('search-value-invalid', { params: { parameter, expected } }));
}

/**
 * The criterion for one value of a parameter.
 * @param local makes absolute references to this server relative
 * @throws PasserelleError search-value-invalid, search-modifier-unsupported
 */
export function criterion(
  parameter: Parameter,
  modifier: string | undefined,
  value: string,
  context: { local: (url: string) => string; now: number },
): Criterion {
  switch (parameter.type) {
    case 'token':
      return token(parameter.code, value);
    case 'uri':
      return uri(parameter.code, modifier, plain(value));
    case 'string':
      return string(parameter.code, modifier, plain(value));
    case 'date':
      return date(parameter.code, value, context.now);
    case 'reference':
      return reference(parameter, modifier, plain(value), context.local);
    default:
      return quantity(parameter, value);
  }
}

/** `code`, `system|code`, `|code`, `system|`. */
export function token(parameter: string, value: string): Criterion {
  const parts = splitUnescaped(value, '|').map(plain);
  if (parts.length > 2 || value === '' || value === '|') throw invalid(parameter, 'token');
  if (parts.length === 1) {
    return { text: 'i.code = ?', values: [parts[0]!], first: parts[0]!, test: (row) => row[0] === parts[0] };
  }
  const [system, code] = parts as [string, string];
  if (code === '') return { text: 'i.system = ?', values: [system], test: (row) => row[1] === system };
  return {
    text: `i.code = ? AND (+i.system = ? OR +i.system = '${ANY_SYSTEM}')`,
    values: [code, system],
    unique: true,
    first: code,
    test: (row) => row[0] === code && (row[1] === system || row[1] === ANY_SYSTEM),
  };
}

function uri(parameter: string, modifier: string | undefined, value: string): Criterion {
  if (value === '') throw invalid(parameter, 'uri');
  if (modifier !== 'below') return { text: 'i.code = ?', values: [value], test: (row) => row[0] === value };
  return {
    text: 'i.code >= ? AND i.code < ?',
    values: [value, value + LAST],
    test: (row) => String(row[0]).startsWith(value),
  };
}

function string(parameter: string, modifier: string | undefined, value: string): Criterion {
  const folded = fold(value);
  if (folded === '') throw invalid(parameter, 'string');
  if (modifier === 'exact') {
    return {
      text: 'i.folded = ? AND i.exact = ?',
      values: [folded, value],
      test: (row) => row[1] === value,
    };
  }
  if (modifier === 'contains') {
    return { text: 'instr(i.folded, ?) > 0', values: [folded], test: (row) => String(row[0]).includes(folded) };
  }
  return {
    text: 'i.folded >= ? AND i.folded < ?',
    values: [folded, folded + LAST],
    test: (row) => String(row[0]).startsWith(folded),
  };
}

/** The SQL of each prefix over `low` and `high`; `answers` in `dates.ts` says the same in JavaScript. */
const PREFIX_SQL: Record<Prefix, (wanted: Interval) => Sql> = {
  eq: ({ low, high }) => ({ text: 'i.low >= ? AND i.low <= ? AND i.high <= ?', values: [low, high, high] }),
  ne: ({ low, high }) => ({ text: '(i.low < ? OR i.high > ?)', values: [low, high] }),
  gt: ({ high }) => ({ text: 'i.high > ?', values: [high] }),
  lt: ({ low }) => ({ text: 'i.low < ?', values: [low] }),
  ge: ({ low, high }) => ({ text: '(i.high > ? OR (i.low >= ? AND i.high <= ?))', values: [high, low, high] }),
  le: ({ low, high }) => ({ text: '(i.low < ? OR (i.low >= ? AND i.high <= ?))', values: [low, low, high] }),
  sa: ({ high }) => ({ text: 'i.low > ?', values: [high] }),
  eb: ({ low }) => ({ text: 'i.high < ?', values: [low] }),
  ap: ({ low, high }) => ({ text: 'i.low <= ? AND i.high >= ?', values: [high, low] }),
};

/** A date with its prefix; `2020-03` means all of March. */
export function date(parameter: string, value: string, now: number): Criterion {
  const { prefix, rest } = prefixed(value);
  const exact = interval(rest);
  if (!exact) throw invalid(parameter, 'date');
  const wanted = prefix === 'ap' ? approximately(exact, now) : exact;
  return {
    ...PREFIX_SQL[prefix](wanted),
    test: (row) => answers(prefix, wanted, { low: row[0] as number, high: row[1] as number }),
  };
}

const NUMBER = /^[+-]?\d{1,30}(?:\.(\d{1,30}))?(?:[eE]([+-]?\d{1,3}))?$/;

/** `[prefix]number` or `[prefix]number|system|code`; `||mg` looks at code and unit. */
function quantity(parameter: Parameter, value: string): Criterion {
  const { prefix, rest } = prefixed(value);
  const [number, system, code, ...more] = splitUnescaped(rest, '|').map(plain);
  const match = NUMBER.exec(number ?? '');
  if (!match || more.length || (parameter.type === 'number' && system !== undefined)) {
    throw invalid(parameter.code, parameter.type);
  }
  const wanted = spread(prefix, Number(number), match[1], match[2]);
  const size = PREFIX_SQL[prefix](wanted);
  const unit = unitSql(system, code);
  return {
    text: `(${size.text})${unit.text}`,
    values: [...size.values, ...unit.values],
    test: (row) => answers(prefix, wanted, { low: row[0] as number, high: row[1] as number }) && unit.test(row),
  };
}

/** `eq` and `ne` go by the digits written (5.4 is 5.35 to 5.45), `ap` by a tenth, the others by the exact number. */
function spread(prefix: Prefix, number: number, decimals: string | undefined, exponent: string | undefined): Interval {
  let slack = 0;
  if (prefix === 'ap') slack = Math.abs(number) / 10;
  else if (prefix === 'eq' || prefix === 'ne') slack = 0.5 * 10 ** (Number(exponent ?? 0) - (decimals?.length ?? 0));
  return { low: number - slack, high: number + slack };
}

function unitSql(system: string | undefined, code: string | undefined): Criterion {
  if (!code) return { text: '', values: [], test: () => true };
  if (system) {
    return {
      text: ' AND i.system = ? AND i.code = ?',
      values: [system, code],
      test: (row) => row[2] === system && row[3] === code,
    };
  }
  return {
    text: ' AND (i.code = ? OR i.unit = ?)',
    values: [code, code],
    test: (row) => row[3] === code || row[4] === code,
  };
}

/** `Type/id`, `id`, an absolute address or a canonical. */
function reference(
  parameter: Parameter,
  modifier: string | undefined,
  value: string,
  local: (url: string) => string,
): Criterion {
  const target = withoutVersion(local(value));
  if (target === '') throw invalid(parameter.code, 'reference');
  const targets = /[/:]/.test(target)
    ? [target]
    : (modifier ? [modifier] : parameter.targets).map((type) => `${type}/${target}`);
  const wanted = new Set(targets.length ? targets : [target]);
  if (parameter.targets.length === 0 && targets.length === 0) {
    return {
      text: "(i.target = ? OR i.target LIKE '%/' || ?)",
      values: [target, target.replace(/[%_]/g, '')],
      test: (row) => row[0] === target || String(row[0]).endsWith(`/${target}`),
    };
  }
  return {
    text: `i.target IN (${[...wanted].map(() => '?').join(', ')})`,
    values: [...wanted],
    unique: wanted.size === 1,
    test: (row) => wanted.has(String(row[0])),
  };
}
