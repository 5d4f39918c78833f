import type { Bundle, BundleEntry, CapabilityStatement } from '@medplum/fhirtypes';
import type { FhirEndpoint, FhirRequest, FhirResponse } from '../../src/adapter.ts';
import type { Ability } from '../../src/store/abilities.ts';
import type { Before } from './fhir-server.ts';

/** A server that has these abilities only: it says so, and refuses whatever asks for another. */
export function limitedTo(abilities: Ability[]): Before {
  const able = new Set(abilities);
  return async (request, endpoint) => {
    if (request.path === 'metadata') return statement(able, endpoint);
    for (const one of writesOf(request)) {
      const needed = await neededBy(one, endpoint);
      if (needed && !able.has(needed)) return refused(needed);
    }
    return undefined;
  };
}

async function statement(able: Set<Ability>, endpoint: FhirEndpoint): Promise<FhirResponse> {
  const answer = await endpoint.send({ method: 'GET', path: 'metadata' });
  const body = answer.body as CapabilityStatement;
  for (const one of body.rest![0]!.resource!) {
    one.updateCreate = able.has('updateCreate');
    one.conditionalCreate = able.has('conditionalCreate');
    one.conditionalUpdate = able.has('conditionalUpdate');
  }
  return answer;
}

function writesOf({ method, path, body, headers }: FhirRequest): NonNullable<BundleEntry['request']>[] {
  if (method === 'POST' && path === '') return ((body as Bundle).entry ?? []).flatMap(({ request }) => request ?? []);
  const ifNoneExist = headers?.['if-none-exist'];
  return [{ method, url: path, ...(ifNoneExist ? { ifNoneExist } : {}) }];
}

async function neededBy(
  { method, url, ifNoneExist }: NonNullable<BundleEntry['request']>,
  endpoint: FhirEndpoint,
): Promise<Ability | undefined> {
  if (method === 'POST') return ifNoneExist ? 'conditionalCreate' : undefined;
  if (method !== 'PUT') return undefined;
  if (url.includes('?')) return 'conditionalUpdate';
  const { status } = await endpoint.send({ method: 'GET', path: url });
  return status === 200 ? undefined : 'updateCreate';
}

function refused(needed: Ability): FhirResponse {
  const issue = [{ severity: 'error', code: 'not-supported', diagnostics: needed }];
  return { status: 400, headers: {}, body: { resourceType: 'OperationOutcome', issue } };
}
