import type { Bundle, DocumentReference, OperationOutcome, Resource } from '@medplum/fhirtypes';
import type { FhirEndpoint, FhirRequest, FhirResponse } from '../adapter.ts';
import { type ErrorCode, fault, httpStatus, operationOutcome } from '../errors.ts';
import { searchAll } from '../fhir-pages.ts';
import type { Caller } from './caller.ts';
import type { Verdict } from './porter.ts';
import { binariesOf, kindOf } from './porter-asker.ts';
import { type Facts, openFacts } from './porter-facts.ts';
import type { AccessRules } from './porter-rules.ts';
import { searchFor } from './porter-search.ts';
import { shownBy } from './porter-view.ts';

const idPattern = /^[A-Za-z0-9.-]{1,64}$/;
const typePattern = /^[A-Z][A-Za-z]{1,63}$/;

/** A FHIR server as one caller sees it: what is outside the circle does not exist. Reads and searches only, for persons
 * and tools; machines are authorised by their scopes. */
export function guarded(rules: AccessRules, caller: Caller, fhir: FhirEndpoint): FhirEndpoint {
  if (kindOf(caller) === 'machine') return fhir;
  const facts = openFacts(rules, caller, fhir);
  return { send: (request) => readFor(rules, facts, fhir, request) };
}

async function readFor(
  rules: AccessRules,
  facts: Facts,
  fhir: FhirEndpoint,
  request: FhirRequest,
): Promise<FhirResponse> {
  const at = request.path.indexOf('?');
  const path = at < 0 ? request.path : request.path.slice(0, at);
  const query = new URLSearchParams(at < 0 ? '' : request.path.slice(at + 1));
  const steps = path.split('/').filter(Boolean);
  const [type = '', second, third, fourth] = steps;
  if (request.method === 'GET' && path === 'metadata') return fhir.send(request);
  if (operationsOfNobody.has(steps.at(-1) ?? '') && steps.length <= 3) return fhir.send(request);
  if (!typePattern.test(type)) return refused('access-not-for-persons', type || 'whole system');
  const isSearch = (request.method === 'GET' && second === undefined) || isPosted(request, steps);
  if (isSearch) {
    if (typeof request.body === 'string') for (const pair of new URLSearchParams(request.body)) query.append(...pair);
    const found = await searchFor(rules, facts, fhir, type, query);
    return 'refused' in found ? refused(found.refused, found.what) : found;
  }
  if (second === undefined || !idPattern.test(second)) return refused('access-not-for-persons', second ?? type);
  const everything = third === '$everything' && type === 'Patient' && steps.length === 3;
  if (everything && (request.method === 'GET' || request.method === 'POST')) {
    return everythingFor(rules, facts, fhir, second, pages(query));
  }
  if (request.method !== 'GET') return refused('access-not-for-persons', request.method);
  if (third === undefined) return one(rules, facts, fhir, request, type, second);
  if (third !== '_history' || steps.length > 4) return refused('access-not-for-persons', third);
  return fourth === undefined
    ? historyFor(rules, facts, fhir, `${type}/${second}`, pages(query))
    : versionFor(rules, facts, fhir, `${type}/${second}`, fourth);
}

/** Terminology and validation show nothing of what is stored about anybody. */
const operationsOfNobody = new Set(['$expand', '$validate-code', '$lookup', '$translate', '$validate']);

function isPosted({ method }: FhirRequest, steps: string[]): boolean {
  return method === 'POST' && steps.length === 2 && steps[1] === '_search';
}

async function one(
  rules: AccessRules,
  facts: Facts,
  fhir: FhirEndpoint,
  request: FhirRequest,
  type: string,
  id: string,
): Promise<FhirResponse> {
  if (type === 'Binary') {
    const visible = await seesBinary(rules, facts, fhir, `Binary/${id}`);
    if (!visible) await facts.beforeRefusal('DocumentReference');
    // Without conditions: a 304 would say that it is there.
    const headers = { accept: request.headers?.accept ?? '*/*' };
    return visible ? orNotHere(await fhir.send({ method: 'GET', path: `Binary/${id}`, headers })) : refused(notHere);
  }
  const found = await visibleNow(rules, facts, fhir, `${type}/${id}`);
  return found ?? refused(notHere);
}

const notHere: ErrorCode = 'access-not-here';

/** The current version when it may be seen; what is hidden, deleted or never was, is one and the same. */
async function visibleNow(
  rules: AccessRules,
  facts: Facts,
  fhir: FhirEndpoint,
  reference: string,
): Promise<FhirResponse | undefined> {
  const response = await fhir.send({ method: 'GET', path: reference, headers: { accept: 'application/fhir+json' } });
  const isThere = response.status !== 404 && response.status !== 410;
  if (isThere && response.status !== 200) return response;
  const [verdict] = isThere ? await facts.judge([response.body as Resource]) : [];
  if (!verdict?.allowed) {
    await facts.beforeRefusal(reference.split('/')[0] as string);
    return undefined;
  }
  return verdict.view ? { ...response, body: shownBy(rules, verdict, response.body as Resource) } : response;
}

/** A Binary belongs to the documents that cite it: at least one, and each of them must be visible. */
export async function seesBinary(
  rules: AccessRules,
  facts: Facts,
  fhir: FhirEndpoint,
  reference: string,
): Promise<boolean> {
  if (!rules.patientOf.DocumentReference) return false;
  const citing = await searchAll<DocumentReference>(fhir, `DocumentReference?location=${reference}&_count=100`, 100);
  if (
    citing.length === 0 ||
    citing.length >= 100 ||
    citing.some((document) => !binariesOf(document).includes(reference))
  )
    return false;
  return (await facts.judge(citing)).every((verdict) => verdict.allowed && !verdict.view);
}

async function versionFor(
  rules: AccessRules,
  facts: Facts,
  fhir: FhirEndpoint,
  reference: string,
  version: string,
): Promise<FhirResponse> {
  if (!idPattern.test(version)) return refused('access-not-for-persons', '_history');
  const now = await visibleNow(rules, facts, fhir, reference);
  if (now?.status !== 200) return now ?? refused(notHere);
  const then = await fhir.send({ method: 'GET', path: `${reference}/_history/${version}` });
  if (then.status !== 200) return orNotHere(then);
  const [verdict] = await facts.judge([then.body as Resource]);
  return verdict?.allowed ? { ...then, body: shownBy(rules, verdict, then.body as Resource) } : refused(notHere);
}

/** The versions that may be seen; for a resource that may be seen now. */
async function historyFor(
  rules: AccessRules,
  facts: Facts,
  fhir: FhirEndpoint,
  reference: string,
  query: string,
): Promise<FhirResponse> {
  const now = await visibleNow(rules, facts, fhir, reference);
  if (now?.status !== 200) return now ?? refused(notHere);
  const response = await fhir.send({ method: 'GET', path: `${reference}/_history${query}` });
  return response.status === 200
    ? filtered(rules, facts, await allPages(fhir, `${reference}/_history`, response))
    : orNotHere(response);
}

async function everythingFor(
  rules: AccessRules,
  facts: Facts,
  fhir: FhirEndpoint,
  id: string,
  query: string,
): Promise<FhirResponse> {
  const now = await visibleNow(rules, facts, fhir, `Patient/${id}`);
  if (now?.status !== 200) return now ?? refused(notHere);
  const path = `Patient/${id}/$everything`;
  const response = await fhir.send({ method: 'GET', path: `${path}${query}` });
  return response.status === 200 ? filtered(rules, facts, await allPages(fhir, path, response)) : orNotHere(response);
}

/** Entries gathered of the pages of one answer. */
const mostEntries = 5000;

/**
 * Servers elsewhere give a next page an address of its own (`?_getpages=…`), which says nothing of what is on it: such pages are
 * fetched here, so that a person gets one answer, decided as a whole. Beyond the bound the answer ends without a next page.
 */
async function allPages(fhir: FhirEndpoint, path: string, first: FhirResponse): Promise<FhirResponse> {
  const bundle = first.body as Bundle;
  const entry = [...(bundle.entry ?? [])];
  const nextOf = ({ link }: Bundle) => link?.find((one) => one.relation === 'next')?.url;
  let next = nextOf(bundle);
  if (next === undefined || next.split('?')[0] === path) return first;
  while (next !== undefined && entry.length < mostEntries) {
    const response = await fhir.send({ method: 'GET', path: next });
    if (response.status !== 200) return response;
    entry.push(...((response.body as Bundle).entry ?? []));
    next = nextOf(response.body as Bundle);
  }
  const link = bundle.link?.filter((one) => one.relation === 'self');
  return { ...first, body: { ...bundle, link, entry } };
}

/** The parameters that only choose among versions or members; others could take away what the decision needs. */
function pages(query: URLSearchParams): string {
  const names = ['_count', '_since', '_cursor', '_type', 'start', 'end'];
  const kept = new URLSearchParams([...query].filter(([name]) => names.includes(name)));
  return kept.size > 0 ? `?${kept}` : '';
}

/** Leaves out what may not be seen, and the total with it: it would tell how much that was. */
async function filtered(rules: AccessRules, facts: Facts, response: FhirResponse): Promise<FhirResponse> {
  const { total: _total, ...bundle } = response.body as Bundle;
  const entries = bundle.entry ?? [];
  const resources = entries.flatMap((entry) => entry.resource ?? []);
  const verdicts = await facts.judge(resources);
  const judged = new Map(resources.map((resource, index) => [resource, verdicts[index] as Verdict]));
  const entry = entries.flatMap((one) => {
    const verdict = one.resource && judged.get(one.resource);
    if (!one.resource || !verdict) return [one];
    return verdict.allowed ? [{ ...one, resource: shownBy(rules, verdict, one.resource) }] : [];
  });
  return { status: 200, headers: {}, body: { ...bundle, entry } };
}

function orNotHere(response: FhirResponse): FhirResponse {
  return response.status === 404 || response.status === 410 ? refused(notHere) : response;
}

/** The answer to what is not allowed, or not there: an OperationOutcome that tells nothing about a patient. */
export function refused(code: ErrorCode, what = ''): FhirResponse {
  const faults = [fault(code, { params: { what: what.replace(/[^A-Za-z$_.:/ -]/g, '').slice(0, 40) } })];
  const body: OperationOutcome = operationOutcome(faults);
  return { status: httpStatus(faults), headers: { 'content-type': 'application/fhir+json' }, body };
}
