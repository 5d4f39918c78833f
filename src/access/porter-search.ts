import type { Bundle, BundleEntry, Resource } from '@medplum/fhirtypes';
import type { FhirEndpoint, FhirResponse } from '../adapter.ts';
import type { ErrorCode } from '../errors.ts';
import { type Facts, matchesIn } from './porter-facts.ts';
import type { AccessRules } from './porter-rules.ts';

const defaultCount = 50;
const largestCount = 1000;
/** Matches one search of a person may look through. */
const mostMatches = 5000;

/** Parameters beginning with `_` that say nothing about other resources; any other of these is refused. */
const plain = new Set(
  `_id _lastUpdated _tag _profile _security _source _sort _count _include _revinclude _summary _elements _total _offset
   _format _pretty`.split(/\s+/),
);
/** Not handed on: they would take away what the decision needs, or are answered here. */
const kept = new Set(['_count', '_include', '_revinclude', '_summary', '_elements', '_total', '_offset']);

/** What a person may not ask in a search, as a word for the refusal; undefined when all is well. */
export function refusedIn(rules: AccessRules, query: URLSearchParams): string | undefined {
  for (const [name, value] of query) {
    const [first = ''] = name.split(':');
    if (first.startsWith('_') && !plain.has(first)) return first;
    if (first.startsWith('_') && name.includes(':') && first !== '_id') return name.slice(0, 40);
    if (name.includes('.') && !rules.chains.includes(name)) return 'chain';
    if (first === '_sort' && /[.:]/.test(value)) return '_sort';
  }
  return undefined;
}

/**
 * A search as a person may make it: among the patients in reach, each match decided, counted and paged here, so that
 * totals and pages say nothing about what is not shown. Included resources are those of visible matches only.
 */
export async function searchFor(
  rules: AccessRules,
  facts: Facts,
  fhir: FhirEndpoint,
  type: string,
  query: URLSearchParams,
): Promise<FhirResponse | { refused: ErrorCode; what?: string }> {
  const wrong = refusedIn(rules, query);
  if (wrong !== undefined) return { refused: 'access-not-for-persons', what: wrong };
  const asked = new URLSearchParams([...query].filter(([name]) => !kept.has(name)));
  if (!rules.openTypes.includes(type)) {
    if (type !== 'Patient' && !rules.patientOf[type]) return answer(type, query, [], [], 0);
    const ids = namesPatient(type, asked) ? undefined : await facts.reach(type);
    if (!ids && !namesPatient(type, asked)) return { refused: 'access-search-too-wide' };
    if (ids?.length === 0) return answer(type, query, [], [], 0);
    if (ids) asked.append(type === 'Patient' ? '_id' : 'patient', ids.join(','));
  }
  const found = await allMatches(fhir, type, asked);
  if (!Array.isArray(found)) return found;
  const verdicts = await facts.judge(found);
  const visible = found.filter((_one, index) => verdicts[index]?.allowed);
  const count = whole(query.get('_count'), defaultCount, largestCount);
  if (query.get('_summary') === 'count' || count === 0) return answer(type, query, [], [], visible.length);
  const offset = whole(query.get('_offset'), 0, mostMatches);
  const page = visible.slice(offset, offset + count);
  const included = await includedBy(facts, fhir, type, query, page);
  const next = offset + count < visible.length ? offset + count : undefined;
  return answer(type, query, page, included, visible.length, next);
}

/** Whether the search is already about few patients: then the reach need not be found out. */
function namesPatient(type: string, query: URLSearchParams): boolean {
  const names = type === 'Patient' ? ['_id'] : ['_id', 'patient', 'patient.identifier', 'subject.identifier'];
  return names.some((name) => {
    const value = query.get(name);
    return value !== null && value !== '' && value.split(',').length <= 20;
  });
}

async function allMatches(
  fhir: FhirEndpoint,
  type: string,
  asked: URLSearchParams,
): Promise<Resource[] | FhirResponse | { refused: ErrorCode }> {
  asked.append('_count', String(largestCount));
  const found: Resource[] = [];
  const headers = { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/fhir+json' };
  let response = await fhir.send({ method: 'POST', path: `${type}/_search`, body: `${asked}`, headers });
  for (;;) {
    if (response.status !== 200) return { status: response.status, headers: {}, body: response.body };
    const bundle = response.body as Bundle;
    found.push(...matchesIn(bundle).filter((one) => one.resourceType === type));
    const next = bundle.link?.find((one) => one.relation === 'next')?.url;
    if (!next) return found;
    if (found.length >= mostMatches) return { refused: 'access-search-too-wide' };
    response = await fhir.send({ method: 'GET', path: next });
  }
}

async function includedBy(
  facts: Facts,
  fhir: FhirEndpoint,
  type: string,
  query: URLSearchParams,
  page: Resource[],
): Promise<Resource[]> {
  const includes = [...query].filter(([name]) => name === '_include' || name === '_revinclude');
  if (includes.length === 0 || page.length === 0) return [];
  const ids = page.map((one) => one.id).join(',');
  const asked = new URLSearchParams([['_id', ids], ['_count', String(largestCount)], ...includes]);
  const headers = { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/fhir+json' };
  const { status, body } = await fhir.send({ method: 'POST', path: `${type}/_search`, body: `${asked}`, headers });
  if (status !== 200) return [];
  const shown = new Set(page.map((one) => `${one.resourceType}/${one.id}`));
  const others = ((body as Bundle).entry ?? []).flatMap(({ resource, search }) =>
    resource && search?.mode === 'include' && !shown.has(`${resource.resourceType}/${resource.id}`) ? [resource] : [],
  );
  const verdicts = await facts.judge(others);
  return others.filter((_one, index) => verdicts[index]?.allowed);
}

function whole(text: string | null, otherwise: number, most: number): number {
  return text !== null && /^\d{1,9}$/.test(text) ? Math.min(Number(text), most) : otherwise;
}

function answer(
  type: string,
  query: URLSearchParams,
  page: Resource[],
  included: Resource[],
  total: number,
  next?: number,
): FhirResponse {
  const address = (offset?: number) => {
    const pairs = [...query].filter(([name]) => name !== '_offset' || offset === undefined);
    if (offset !== undefined) pairs.push(['_offset', String(offset)]);
    return `${type}?${new URLSearchParams(pairs)}`;
  };
  const entry =
    (mode: 'match' | 'include') =>
    (resource: Resource): BundleEntry => ({
      fullUrl: `${resource.resourceType}/${resource.id}`,
      resource,
      search: { mode },
    });
  const link = [{ relation: 'self', url: address() }];
  if (next !== undefined) link.push({ relation: 'next', url: address(next) });
  const entries = [...page.map(entry('match')), ...included.map(entry('include'))];
  const body: Bundle = { resourceType: 'Bundle', type: 'searchset', total, link, entry: entries };
  return { status: 200, headers: { 'content-type': 'application/fhir+json' }, body };
}
