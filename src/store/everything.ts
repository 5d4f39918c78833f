import type { Bundle, Resource } from '@medplum/fhirtypes';
import { fault, PasserelleError } from '../errors.ts';
import { LIVE } from './database.ts';
import { interval } from './dates.ts';
import type { SearchContext } from './indexed.ts';
import type { Shelf } from './shelf.ts';
import { references } from './values.ts';

interface Row {
  rid: number;
  vid: number;
}

/** Entries of a page of `$everything`: when nothing is said, and at most. */
export interface EverythingLimits {
  defaultCount: number;
  maxCount: number;
}

/**
 * What a record refers to without being about one patient: it comes along with the page that mentions it. The bytes of
 * documents (Binary) only when `_type` asks for them.
 */
const SUPPORTING = new Set([
  'Practitioner',
  'PractitionerRole',
  'Organization',
  'Location',
  'Medication',
  'Device',
  'HealthcareService',
]);

/**
 * `Patient/[id]/$everything`: the patient, everything in the Patient compartment, and what that refers to. Parameters
 * `_count`, `_since`, `_type`, `start`, `end`. https://hl7.org/fhir/R4/patient-operation-everything.html
 */
export function everything(
  id: string,
  pairs: [string, string][],
  limits: EverythingLimits,
  shelf: Shelf,
  context: SearchContext,
): Bundle {
  const patient = shelf.read('Patient', id);
  const asked = new Map(pairs);
  const count = countOf(asked.get('_count'), limits);
  const after = Number(/^\d{1,15}$/.exec(asked.get('_cursor') ?? '')?.[0] ?? -1);
  const types = asked.get('_type')?.split(',');
  const wanted = (type: string) => !types || types.includes(type);
  const comesAlong = (type: string) =>
    wanted(type) && (SUPPORTING.has(type) || (type === 'Binary' && types !== undefined));
  const rows = compartmentRows(`Patient/${id}`, wanted, asked, after, count + 1, context);
  const page = rows.slice(0, count).map((row) => shelf.content(row.vid));
  const first = after < 0 && wanted('Patient') ? [patient.resource] : [];
  const members = [...first, ...page];
  const further = supporting(members, comesAlong, shelf, context);
  const path = `Patient/${id}/$everything`;
  const links: Bundle['link'] = [{ relation: 'self', url: address(path, pairs) }];
  if (rows.length > count) links.push({ relation: 'next', url: address(path, pairs, rows[count - 1]!.rid) });
  return {
    resourceType: 'Bundle',
    type: 'searchset',
    link: links,
    entry: [
      ...members.map((resource) => entry(resource, 'match')),
      ...further.map((resource) => entry(resource, 'include')),
    ],
  };
}

function entry(resource: Resource, mode: 'match' | 'include') {
  return { fullUrl: `${resource.resourceType}/${resource.id}`, resource, search: { mode } };
}

function compartmentRows(
  patient: string,
  wanted: (type: string) => boolean,
  asked: Map<string, string>,
  after: number,
  limit: number,
  context: SearchContext,
): Row[] {
  const { parameters, connection } = context;
  const paths = Object.entries(parameters.compartment)
    .filter(([type]) => wanted(type))
    .flatMap(([type, codes]) => codes.flatMap((code) => parameters.find(type, code)?.columns ?? []))
    .filter((column) => column.kind === 'reference')
    .map((column) => column.id);
  if (paths.length === 0) return [];
  const where: string[] = [];
  const values: number[] = [];
  const since = asked.get('_since');
  if (since !== undefined) {
    where.push('AND r.updated >= ?');
    values.push(instant('_since', since).low);
  }
  const period = carePeriod(asked, context);
  return connection.all<Row>(
    `SELECT DISTINCT r.rid, r.vid FROM i_reference i JOIN resource r ON r.rid = i.rid
     WHERE i.path IN (${[...new Set(paths)].join(', ')}) AND i.target = ? AND r.state = ${LIVE} AND r.rid > ?
     ${where.join(' ')} ${period.text} ORDER BY r.rid LIMIT ${limit}`,
    patient,
    after,
    ...values,
    ...period.values,
  );
}

/** `start` and `end` keep what has a clinical date in between, and what has none. */
function carePeriod(asked: Map<string, string>, { parameters }: SearchContext): { text: string; values: number[] } {
  const start = asked.get('start');
  const end = asked.get('end');
  if (start === undefined && end === undefined) return { text: '', values: [] };
  const dated = [...parameters.types].flatMap((type) => parameters.find(type, 'date')?.columns ?? []);
  const low = start === undefined ? -8.64e15 : instant('start', start).low;
  const high = end === undefined ? 8.64e15 : instant('end', end).high;
  const paths = dated.map((column) => column.id).join(', ');
  return {
    text: `AND (NOT EXISTS (SELECT 1 FROM i_date d WHERE d.path IN (${paths}) AND d.rid = r.rid)
      OR EXISTS (SELECT 1 FROM i_date d WHERE d.path IN (${paths}) AND d.rid = r.rid AND d.high >= ? AND d.low <= ?))`,
    values: [low, high],
  };
}

function instant(parameter: string, text: string): { low: number; high: number } {
  const found = interval(text);
  if (!found) throw new PasserelleError(fault('search-value-invalid', { params: { parameter, expected: 'date' } }));
  return found;
}

function countOf(text: string | undefined, { defaultCount, maxCount }: EverythingLimits): number {
  if (text === undefined) return defaultCount;
  if (/^[1-9]\d{0,8}$/.test(text)) return Math.min(Number(text), maxCount);
  const params = { parameter: '_count', expected: 'positive number' };
  throw new PasserelleError(fault('search-value-invalid', { params }));
}

function supporting(
  members: Resource[],
  comesAlong: (type: string) => boolean,
  shelf: Shelf,
  context: SearchContext,
): Resource[] {
  const seen = new Set(members.map((one) => `${one.resourceType}/${one.id}`));
  const found: Resource[] = [];
  for (const resource of members) {
    for (const reference of pointers(resource, context.local)) {
      const [type, id] = reference.split('/') as [string, string | undefined];
      if (!id || seen.has(reference) || !comesAlong(type) || !shelf.has(reference)) continue;
      seen.add(reference);
      found.push(shelf.read(type, id).resource);
    }
  }
  return found;
}

/** All literal references in a resource, and addresses of attachments. */
function pointers(node: unknown, local: (url: string) => string): string[] {
  if (node === null || typeof node !== 'object') return [];
  if (Array.isArray(node)) return node.flatMap((one) => pointers(one, local));
  const { reference, url } = node as { reference?: unknown; url?: unknown };
  const own = typeof reference === 'string' ? references(node, '', local).map((row) => String(row[0])) : [];
  if (typeof url === 'string' && /(^|\/)Binary\//.test(url)) own.push(local(url));
  return [...own, ...Object.values(node).flatMap((one) => pointers(one, local))];
}

function address(path: string, pairs: [string, string][], cursor?: number): string {
  const query = new URLSearchParams(pairs);
  if (cursor !== undefined) query.set('_cursor', String(cursor));
  return query.size ? `${path}?${query}` : path;
}
