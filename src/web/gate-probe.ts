import type { Request, Response } from 'express';
import type { Caller } from '../access/caller.ts';
import type { Constraint } from '../access/decide.ts';
import type { Demand } from '../access/demands.ts';
import { refuse } from '../adapter/answer.ts';
import type { FhirEndpoint } from '../adapter.ts';
import { fault } from '../errors.ts';

/** Whether the FHIR server's resource of this type and id matches a constraint. */
export type Probe = (caller: Caller, type: string, id: string, constraint: Constraint) => Promise<boolean>;

/** Asks the FHIR server itself, as the caller may see it: what a constraint means is what its search says. */
export function probeBySearch(fhir: FhirEndpoint): Probe {
  return async (caller, type, id, constraint) => {
    const query = new URLSearchParams([['_id', id], ...constraint, ['_summary', 'count']]);
    const { status, body } = await (caller.fhir ?? fhir).send({ method: 'GET', path: `${type}?${query}` });
    return status === 200 && Number((body as { total?: unknown } | undefined)?.total) > 0;
  };
}

/** Whether the instance a demand names matches one of the constraints. */
export async function probeAll(
  probe: Probe,
  caller: Caller,
  { anyOf, id }: Demand,
  within: Constraint[],
): Promise<boolean> {
  const type = anyOf[0]?.type;
  if (type === undefined || id === undefined) return false;
  for (const constraint of within) if (await probe(caller, type, id, constraint)) return true;
  return false;
}

/** 403 that names the scope to ask for, RFC 6750 section 3.1. */
export function denied(request: Request, response: Response, scope: string): void {
  const plain = scope.replace(/[^\x21\x23-\x5b\x5d-\x7e]/g, '');
  response.set('WWW-Authenticate', `Bearer realm="passerelle", error="insufficient_scope", scope="${plain}"`);
  refuse(request, response, [fault('scope-missing', { params: { scope: plain } })]);
}
