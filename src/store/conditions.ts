import { fault, PasserelleError } from '../errors.ts';
import { byText, composite } from './composite.ts';
import { type Criterion, criterion, date, type Sql, splitUnescaped } from './criteria.ts';
import { DELETED, LIVE } from './database.ts';
import { type Condition, indexed, listed, type SearchContext } from './indexed.ts';
import type { Parameter, Parameters } from './parameters.ts';

/** Keys of a chain that are looked up beforehand and named in the SQL; more stay a sub-select. */
const KEYS_NAMED = 50;
const MAX_CHAIN = 6;
const MAX_VALUES = 1000;

const MODIFIERS: Record<string, string[]> = {
  token: ['not', 'text', 'missing'],
  uri: ['below', 'missing'],
  string: ['exact', 'contains', 'missing'],
  date: ['missing'],
  number: ['missing'],
  quantity: ['missing'],
  reference: ['identifier', 'missing'],
  composite: [],
};

/**
 * The condition for one parameter of a search on `type`, with its modifier or chain; values are alternatives.
 * https://hl7.org/fhir/R4/search.html
 * @returns undefined when there is no such parameter
 * @throws PasserelleError search-modifier-unsupported, search-value-invalid, search-too-costly
 */
export function condition(
  type: string,
  key: string,
  value: string,
  context: SearchContext,
  depth = 0,
): Condition | undefined {
  if (depth > MAX_CHAIN) {
    throw new PasserelleError(fault('search-too-costly', { params: { limit: `${MAX_CHAIN} links in a chain` } }));
  }
  if (key.startsWith('_has:')) return reverseChain(type, key, value, context, depth);
  const dot = key.indexOf('.');
  if (dot > 0) return chain(type, key.slice(0, dot), key.slice(dot + 1), value, context, depth);
  const [code, modifier] = key.split(':', 2) as [string, string | undefined];
  const alternatives = splitUnescaped(value, ',').filter((one) => one !== '');
  if (alternatives.length > MAX_VALUES) {
    throw new PasserelleError(fault('search-too-costly', { params: { limit: `${MAX_VALUES} values of a parameter` } }));
  }
  if (code === '_id') return byId(type, alternatives);
  if (code === '_lastUpdated') return byUpdate(alternatives, context.now);
  const parameter = context.parameters.find(type, code);
  if (!parameter) return undefined;
  checkModifier(parameter, modifier, context.parameters);
  if (modifier === 'missing') return missing(parameter, value);
  if (modifier === 'text') return byText(parameter, alternatives, context);
  if (parameter.composite) return composite(type, parameter, alternatives, context);
  const columns = modifier === 'identifier' ? parameter.identifiers : parameter.columns;
  const asked = modifier === 'identifier' ? { ...parameter, type: 'token' as const } : parameter;
  const criteria = alternatives.map((one) => criterion(asked, modifier, one, context));
  const found = indexed(columns, criteria);
  return modifier === 'not' ? { test: { text: `NOT ${found.test.text}`, values: found.test.values } } : found;
}

function checkModifier(parameter: Parameter, modifier: string | undefined, parameters: Parameters): void {
  if (modifier === undefined || MODIFIERS[parameter.type]!.includes(modifier)) return;
  if (parameter.type === 'reference' && parameters.types.has(modifier)) return;
  throw new PasserelleError(
    fault('search-modifier-unsupported', { params: { modifier: modifier.slice(0, 40), parameter: parameter.code } }),
  );
}

function byId(type: string, ids: string[]): Condition {
  const keys = ids.map((id) => `${type}/${id}`);
  const where = `key IN (${keys.map(() => '?').join(', ')})`;
  return {
    source: { text: `SELECT rid FROM resource WHERE ${where}`, values: keys },
    test: { text: `r.${where}`, values: keys },
  };
}

function byUpdate(alternatives: string[], now: number): Condition {
  const criteria = alternatives.map((one) => date('_lastUpdated', one, now));
  const text = criteria.map((one) => `(${one.text.replace(/i\.(low|high)/g, 'r.updated')})`).join(' OR ') || '0';
  return { test: { text: `(${text})`, values: criteria.flatMap((one) => one.values) } };
}

function missing(parameter: Parameter, value: string): Condition {
  if (value !== 'true' && value !== 'false') {
    throw new PasserelleError(
      fault('search-value-invalid', { params: { parameter: `${parameter.code}:missing`, expected: 'boolean' } }),
    );
  }
  const table = `i_${parameter.columns[0]!.kind}`;
  const paths = parameter.columns.map((column) => column.id).join(', ');
  const not = value === 'true' ? 'NOT ' : '';
  return { test: { text: `r.rid ${not}IN (SELECT i.rid FROM ${table} i WHERE i.path IN (${paths}))`, values: [] } };
}

/** `patient.identifier=…`, `author:Practitioner.name=…`: the reference points to a resource that meets the rest. */
function chain(
  type: string,
  head: string,
  rest: string,
  value: string,
  context: SearchContext,
  depth: number,
): Condition | undefined {
  const [code, only] = head.split(':', 2) as [string, string | undefined];
  const parameter = context.parameters.find(type, code);
  if (parameter?.type !== 'reference') return undefined;
  if (only && !context.parameters.types.has(only)) return undefined;
  const targets = only ? [only] : parameter.targets.length ? parameter.targets : [...context.parameters.types];
  const inner: Sql[] = [];
  for (const target of targets) {
    const found =
      condition(target, rest, value, context, depth + 1) ?? throughRole(target, rest, value, context, depth + 1);
    if (found) inner.push(keysOf(target, found));
  }
  if (inner.length === 0) return undefined;
  const text = inner.map((one) => one.text).join(' UNION ALL ');
  const bound = inner.flatMap((one) => one.values);
  const first = context.connection.all<{ key: string }>(`SELECT * FROM (${text}) LIMIT ${KEYS_NAMED + 1}`, ...bound);
  if (first.length <= KEYS_NAMED) {
    const keys = first.map((row) => row.key);
    const named: Criterion = {
      text: `i.target IN (${keys.map(() => '?').join(', ')})`,
      values: keys,
      unique: keys.length === 1,
      test: () => true,
    };
    const direct = indexed(parameter.columns, [named]);
    return keys.length <= 4 ? direct : listed(direct);
  }
  return listed(indexed(parameter.columns, [{ text: `i.target IN (${text})`, values: bound, test: () => true }]));
}

/** `author.family` of PDSm means a professional's name also where the author is a role: its practitioner has the name. */
function throughRole(
  target: string,
  rest: string,
  value: string,
  context: SearchContext,
  depth: number,
): Condition | undefined {
  if (target !== 'PractitionerRole' || !/^(name|family|given)(:|$)/.test(rest)) return undefined;
  return condition(target, `practitioner.${rest}`, value, context, depth);
}

/** Keys of the resources of a type that meet a condition; contained ones count, for a reference can point to them. */
function keysOf(type: string, { test, source }: Condition): Sql {
  const where = `r.type = '${type}' AND r.state <> ${DELETED} AND ${test.text}`;
  if (!source) return { text: `SELECT r.key FROM resource r WHERE ${where}`, values: test.values };
  return {
    text: `SELECT r.key FROM (SELECT DISTINCT rid FROM (${source.text})) d CROSS JOIN resource r ON r.rid = d.rid WHERE ${where}`,
    values: [...source.values, ...test.values],
  };
}

/** `_has:Observation:patient:code=…`: some Observation points here and meets the rest. */
function reverseChain(
  type: string,
  key: string,
  value: string,
  context: SearchContext,
  depth: number,
): Condition | undefined {
  const [, from, code, ...rest] = key.split(':');
  const parameter = context.parameters.find(from ?? '', code ?? '');
  if (parameter?.type !== 'reference' || rest.length === 0) return undefined;
  const inner = condition(from!, rest.join(':'), value, context, depth + 1);
  if (!inner) return undefined;
  const pointing = `i.path IN (${parameter.columns.map((column) => column.id).join(', ')})`;
  const meets = `EXISTS (SELECT 1 FROM resource r WHERE r.rid = i.rid AND r.type = '${from}' AND r.state = ${LIVE} AND ${inner.test.text})`;
  return {
    source: {
      text: `SELECT h.rid FROM i_reference i JOIN resource h ON h.key = i.target AND h.type = '${type}' WHERE ${pointing} AND ${meets}`,
      values: inner.test.values,
    },
    test: {
      text: `EXISTS (SELECT 1 FROM i_reference i WHERE ${pointing} AND i.target = r.key AND ${meets})`,
      values: inner.test.values,
    },
  };
}
