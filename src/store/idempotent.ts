import type { Bundle, Resource } from '@medplum/fhirtypes';
import type { FhirEndpoint, FhirRequest, FhirResponse } from '../adapter.ts';
import { expectOk, readTogether, resourcesIn } from '../fhir-pages.ts';
import { type Abilities, type Ability, declared, Learnt } from './abilities.ts';
import {
  type Found,
  fits,
  type OwnId,
  ownIdIn,
  type Question,
  questionsOf,
  type Shaped,
  shaped,
  tagQuery,
} from './forms.ts';
import { refusalBy } from './refusal.ts';

/**
 * A server that is written to in the form it can do, so that everybody else may write as to a server that can do all:
 * conditional creates, conditional updates, ids of our own. See {@link shaped} for the forms.
 * @param abilities what it can do; absent: what its CapabilityStatement says
 */
export function idempotent(endpoint: FhirEndpoint, abilities?: readonly Ability[]): FhirEndpoint {
  const learnt = new Learnt(endpoint);
  const known = abilities && declared(abilities);
  const able = async () => known ?? (await learnt.abilities());
  return {
    async send(request) {
      const own = request.method === 'GET' ? ownIdIn(request.path) : undefined;
      const meant = meantBy(request);
      if (own) return read(request, own, able, endpoint);
      return meant ? write(request, meant, able, endpoint) : endpoint.send(request);
    },
  };
}

type Ask = () => Promise<Abilities | FhirResponse>;

/** The writes of a request that a server may have to be given in another form, as a Bundle. */
function meantBy({ method, path, body, headers }: FhirRequest): Bundle | undefined {
  const resource = body as Resource | undefined;
  if (typeof resource?.resourceType !== 'string') return undefined;
  if (method === 'POST' && path === '') return isWriting(resource) ? resource : undefined;
  const ifNoneExist = headers?.['if-none-exist'];
  const isConditional =
    (method === 'POST' && ifNoneExist) || (method === 'PUT' && (path.includes('?') || ownIdIn(path)));
  if (!isConditional) return undefined;
  const ifMatch = headers?.['if-match'];
  const conditions = { ...(ifNoneExist ? { ifNoneExist } : {}), ...(ifMatch ? { ifMatch } : {}) };
  const request = { method: method as 'POST' | 'PUT', url: path, ...conditions };
  return { resourceType: 'Bundle', type: 'transaction', entry: [{ resource, request }] };
}

function isWriting(resource: Resource): resource is Bundle {
  return resource.resourceType === 'Bundle' && (resource.entry ?? []).some(({ request }) => request?.method !== 'GET');
}

async function write(request: FhirRequest, meant: Bundle, ask: Ask, endpoint: FhirEndpoint): Promise<FhirResponse> {
  const able = await ask();
  if (typeof able !== 'function') return able;
  if (fits(meant, able)) return endpoint.send(request);
  try {
    const form = shaped(meant, able, await lookUp(questionsOf(meant, able), endpoint));
    return await (request.path === '' ? writeAll(request, form, endpoint) : writeOne(request, form, endpoint));
  } catch (error) {
    return refusalBy(error);
  }
}

async function writeAll(
  request: FhirRequest,
  { bundle, answer }: Shaped,
  endpoint: FhirEndpoint,
): Promise<FhirResponse> {
  if (bundle.entry?.length === 0) {
    return { status: 200, headers: {}, body: answer({ resourceType: 'Bundle', type: 'transaction-response' }) };
  }
  const response = await endpoint.send({ ...request, body: bundle });
  if (response.status >= 300) return response;
  return { ...response, body: answer((response.body ?? {}) as Bundle) };
}

/** A write that was no Bundle goes as none. */
async function writeOne(
  request: FhirRequest,
  { bundle, answer }: Shaped,
  endpoint: FhirEndpoint,
): Promise<FhirResponse> {
  const [entry] = bundle.entry ?? [];
  if (!entry?.request) {
    const [there] = answer({} as Bundle).entry ?? [];
    return { status: 200, headers: { location: there!.response!.location! } };
  }
  const { method, url, ifMatch, ifNoneExist } = entry.request;
  const { 'if-none-exist': _condition, ...headers } = request.headers ?? {};
  if (ifMatch) headers['if-match'] = ifMatch;
  if (ifNoneExist) headers['if-none-exist'] = ifNoneExist;
  return endpoint.send({ method: method as 'PUT', path: url, body: entry.resource, headers });
}

/** All searches in one batch; two answers to one are enough to know that it is not unique. */
async function lookUp(questions: Question[], endpoint: FhirEndpoint): Promise<Map<Question, Found[]>> {
  if (questions.length === 0) return new Map();
  const answers = await readTogether(
    endpoint,
    questions.map((url) => `${url}&_count=2`),
  );
  return new Map(
    questions.map((question, at) => {
      const searchset = answers[at] as Bundle | undefined;
      expectOk({ status: searchset?.resourceType === 'Bundle' ? 200 : 502, headers: {} });
      return [question, resourcesIn(searchset).map(({ id, meta }) => ({ id: id!, version: meta?.versionId }))];
    }),
  );
}

/** What has an id of ours is found by it, also on a server that gave it another one. */
async function read(
  request: FhirRequest,
  { type, ownId }: OwnId,
  ask: Ask,
  endpoint: FhirEndpoint,
): Promise<FhirResponse> {
  const direct = await endpoint.send(request);
  if (direct.status !== 404 && direct.status !== 410) return direct;
  const able = await ask();
  if (typeof able !== 'function' || able(type).has('updateCreate')) return direct;
  const answer = await endpoint.send({ method: 'GET', path: `${type}?${tagQuery(ownId)}&_count=1` });
  const [found] = answer.status === 200 ? resourcesIn(answer.body as Bundle) : [];
  return found ? { ...answer, body: found } : direct;
}
