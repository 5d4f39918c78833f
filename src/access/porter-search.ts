import type { Bundle, BundleEntry, Resource } from '@medplum/fhirtypes';
import type { FhirEndpoint, FhirResponse } from '../adapter.ts';
import type { ErrorCode } from '../errors.ts';
import type { Verdict } from './porter.ts';
import { type Facts, matchesIn } from './porter-facts.ts';
import { type AccessRules, CARE } from './porter-rules.ts';
import { shownBy } from './porter-view.ts';

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

/** A view that a team's role gives is known only now: what it leaves out must not have chosen the match. */
function isFoundThrough(rules: AccessRules, { view }: Verdict, query: URLSearchParams): boolean {
  return view === undefined || [...query.keys()].every((name) => rules.views[view]?.parameters.includes(name));
}

/** Who sees a type through a view must not learn by searching what the view leaves out. */
async function refusedByView(rules: AccessRules, facts: Facts, type: string, query: URLSearchParams) {
  const { references, organizations } = await facts.asker();
  const capacities = new Set([...references.values(), ...organizations.values()].filter((one) => one !== CARE));
  if (capacities.size === 0) return undefined;
  const views = rules.rules.filter((one) => one.view && one.as && capacities.has(one.as) && one.types?.includes(type));
  for (const { view } of views) {
    const allowed = rules.views[view as string]?.parameters ?? [];
    for (const [name] of query) if (!allowed.includes(name)) return name.slice(0, 40);
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
  const wrong = refusedIn(rules, query) ?? (await refusedByView(rules, facts, type, query));
  if (wrong !== undefined) return { refused: 'access-not-for-persons', what: wrong };
  const asked = new URLSearchParams([...query].filter(([name]) => !kept.has(name)));
  if (!rules.openTypes.includes(type)) {
    if (type !== 'Patient' && !rules.patientOf[type]) return answer(type, query, [], [], 0);
    const ids = namesPatient(type, asked) ? undefined : await facts.reach(type);
    if (!ids && !namesPatient(type, asked)) return { refused: 'access-search-too-wide' };
    if (ids?.length === 0) return answer(type, query, [], [], 0);
    if (ids) asked.append(type === 'Patient' ? '_id' : 'patient', ids.join(','));
  }
  const includes = [...query].filter(([name]) => name === '_include' || name === '_revinclude');
  const found = await allMatches(fhir, type, asked, includes);
  if (!('matches' in found)) return found;
  const verdicts = await facts.judge(found.matches);
  const shown = found.matches.flatMap((one, index) => {
    const verdict = verdicts[index];
    return verdict?.allowed && isFoundThrough(rules, verdict, query)
      ? [{ resource: shownBy(rules, verdict, one), whole: one }]
      : [];
  });
  if (shown.length === 0) await facts.beforeRefusal(type);
  const count = whole(query.get('_count'), defaultCount, largestCount);
  if (query.get('_summary') === 'count' || count === 0) return answer(type, query, [], [], shown.length);
  const offset = whole(query.get('_offset'), 0, mostMatches);
  const page = shown.slice(offset, offset + count);
  // What came along in one answer belongs to these matches only when all of them are shown, on this page.
  const exact = page.length === found.matches.length ? found.others : undefined;
  const others =
    exact ??
    (await includedBy(
      fhir,
      type,
      includes,
      page.map((one) => one.whole),
    ));
  const included = await visibleOf(
    rules,
    facts,
    type,
    others,
    page.map((one) => one.whole),
  );
  const next = offset + count < shown.length ? offset + count : undefined;
  return answer(
    type,
    query,
    page.map((one) => one.resource),
    included,
    shown.length,
    next,
  );
}

/** Whether the search is already about few patients: then the reach need not be found out. */
function namesPatient(type: string, query: URLSearchParams): boolean {
  const names = type === 'Patient' ? ['_id'] : ['_id', 'patient', 'patient.identifier', 'subject.identifier'];
  return names.some((name) => {
    const value = query.get(name);
    return value !== null && value !== '' && value.split(',').length <= 20;
  });
}

interface Found {
  matches: Resource[];
  /** What the only page brought along; undefined when there were several pages. */
  others?: Resource[];
}

const headers = { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/fhir+json' };

async function allMatches(
  fhir: FhirEndpoint,
  type: string,
  asked: URLSearchParams,
  includes: [string, string][],
): Promise<Found | FhirResponse | { refused: ErrorCode }> {
  const form = new URLSearchParams([...asked, ['_count', String(largestCount)], ...includes]);
  const matches: Resource[] = [];
  let response = await fhir.send({ method: 'POST', path: `${type}/_search`, body: `${form}`, headers });
  for (let pages = 1; ; pages++) {
    if (response.status !== 200) return { status: response.status, headers: {}, body: response.body };
    const bundle = response.body as Bundle;
    matches.push(...matchesIn(bundle).filter((one) => one.resourceType === type));
    const next = bundle.link?.find((one) => one.relation === 'next')?.url;
    if (!next) return { matches, ...(pages === 1 ? { others: othersIn(bundle) } : {}) };
    if (matches.length >= mostMatches) return { refused: 'access-search-too-wide' };
    response = await fhir.send({ method: 'GET', path: next });
  }
}

function othersIn(bundle: Bundle): Resource[] {
  return (bundle.entry ?? []).flatMap(({ resource, search }) =>
    resource && search?.mode === 'include' ? [resource] : [],
  );
}

async function includedBy(
  fhir: FhirEndpoint,
  type: string,
  includes: [string, string][],
  page: Resource[],
): Promise<Resource[]> {
  if (includes.length === 0 || page.length === 0) return [];
  const ids = page.map((one) => one.id).join(',');
  const asked = new URLSearchParams([['_id', ids], ['_count', String(largestCount)], ...includes]);
  const { status, body } = await fhir.send({ method: 'POST', path: `${type}/_search`, body: `${asked}`, headers });
  return status === 200 ? othersIn(body as Bundle) : [];
}

async function visibleOf(
  rules: AccessRules,
  facts: Facts,
  type: string,
  found: Resource[],
  page: Resource[],
): Promise<Resource[]> {
  const shown = new Set(page.map((one) => `${type}/${one.id}`));
  const others = found.filter((one) => !shown.has(`${one.resourceType}/${one.id}`));
  const verdicts = await facts.judge(others);
  return others.flatMap((one, index) => {
    const verdict = verdicts[index];
    return verdict?.allowed ? [shownBy(rules, verdict, one)] : [];
  });
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
