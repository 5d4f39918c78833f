import type { Resource } from '@medplum/fhirtypes';
import type { RequestHandler } from 'express';
import type { Caller } from '../access/caller.ts';
import { type Constraint, decide, matches, scopeFor } from '../access/decide.ts';
import { broughtAlong, type Demand, demandsOfBundle, demandsOfCarried } from '../access/demands.ts';
import { readResource } from './content.ts';
import { denied, type Probe, probeAll } from './gate-probe.ts';

/** What the gate could not decide without the body; handed over in `response.locals.pending`. */
export interface Pending {
  path: string;
  /** The body says what is asked for: a Bundle at the FHIR base, a resource at `/in/fhir`. */
  byBody: boolean;
  /** Writes that scopes allow only to some resources. */
  demands: { demand: Demand; within: Constraint[] }[];
  /** Parameters to add to a search by POST. */
  search: Constraint;
}

/** The second half of the gate, once the body is there. */
export function bodyGate(probe: Probe): RequestHandler {
  return async (request, response, next) => {
    const pending = response.locals.pending as Pending | undefined;
    const caller = request.caller;
    if (!pending || !caller) return next();
    const body = request.body as Buffer;
    if (request.method === 'POST' && pending.path.endsWith('/_search')) {
      const scope = lackingForSearch(caller, body);
      if (scope !== undefined) return denied(request, response, scope);
      if (pending.search.length > 0) request.body = Buffer.from(`${body}&${new URLSearchParams(pending.search)}`);
      return next();
    }
    if (!pending.byBody && pending.demands.length === 0) return next();

    const resource = readResource(body);
    const scope = pending.byBody
      ? lackingForContent(caller, pending.path, resource)
      : await lackingForWrite(caller, request.method, pending, resource, probe);
    return scope === undefined ? next() : denied(request, response, scope);
  };
}

function lackingForSearch(caller: Caller, body: Buffer): string | undefined {
  const decisions = broughtAlong(new URLSearchParams(body.toString('utf8'))).map((demand) => decide(caller, demand));
  return decisions.find((one) => !one.granted)?.scope;
}

/** A Bundle at the base or anything at `/in/fhir`; what cannot be read is left to the door, which says why. */
function lackingForContent(caller: Caller, path: string, resource: Resource | undefined): string | undefined {
  const type = resource?.resourceType ?? 'Bundle';
  const single: Demand = { anyOf: [{ type, permission: 'c' }], on: 'create' };
  const asMessage: Demand = { ...single, anyOf: [...single.anyOf, { type: 'Bundle', permission: 'c' }] };
  const message = path === '/in/fhir';
  const demands: (Demand & { resource?: unknown })[] =
    resource?.resourceType === 'Bundle'
      ? [...demandsOfBundle(resource), ...(message && isTransaction(resource) ? demandsOfCarried(resource) : [])]
      : [{ ...(message ? asMessage : single), resource }];
  for (const demand of demands) {
    const decision = decide(caller, demand);
    if (!decision.granted) return decision.scope;
    const written = demand.resource as Resource | undefined;
    const fits = decision.within?.some((one) => demand.on === 'create' && written && matches(written, one)) ?? true;
    if (!fits) return scopeFor(caller, demand);
  }
  return undefined;
}

function isTransaction({ type }: { type?: string }): boolean {
  return type === 'transaction' || type === 'batch';
}

/** A write under a constraint: what is there and what shall be there must both match. A patch does not show the latter. */
async function lackingForWrite(
  caller: Caller,
  method: string,
  pending: Pending,
  resource: Resource | undefined,
  probe: Probe,
) {
  for (const { demand, within } of pending.demands) {
    const scope = scopeFor(caller, demand);
    if (method === 'PATCH' || !resource) return scope;
    if (!within.some((one) => matches(resource, one))) return scope;
    if (demand.on === 'update' && !(await probeAll(probe, caller, demand, within))) return scope;
  }
  return undefined;
}
