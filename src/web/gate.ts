import type { Request, RequestHandler, Response } from 'express';
import type { Caller } from '../access/caller.ts';
import { asSearch, decide, scopeFor } from '../access/decide.ts';
import { demandsOf, isOpen, safeSteps } from '../access/demands.ts';
import type { Verifier } from '../access/verifier.ts';
import { refuse } from '../adapter/answer.ts';
import { fault } from '../errors.ts';
import { certificateOf } from './certificate.ts';
import type { Pending } from './gate-body.ts';
import { denied, type Probe, probeAll } from './gate-probe.ts';

/**
 * The gate: no path but the open ones is reached without a valid token (401) whose scopes meet what method and path ask for
 * (403). What only the body can say is left for `bodyGate`. A search that scopes allow only in part gets their
 * constraint added, so that it finds what the caller may see.
 */
export function gate(verify: Verifier, probe: Probe): RequestHandler {
  return async (request, response, next) => {
    const steps = safeSteps(pathOf(request));
    if (!steps) return refuse(request, response, [fault('request-malformed')]);
    const path = `/${steps.join('/')}`;
    if (isOpen(path)) return next();
    const caller = await authenticate(request, response, verify);
    if (!caller) return;
    request.caller = caller;

    const query = new URLSearchParams(queryOf(request));
    const demands = demandsOf(request.method === 'HEAD' ? 'GET' : request.method, path, query);
    const pending: Pending = { path, byBody: demands === undefined, demands: [], search: [] };
    for (const demand of demands ?? []) {
      const decision = decide(caller, demand);
      if (!decision.granted) return denied(request, response, decision.scope);
      if (!decision.within) continue;
      const added = demand.on === 'search' ? asSearch(decision.within, query) : undefined;
      if (added && request.method === 'POST') pending.search.push(...added);
      else if (added) narrowUrl(request, added);
      else if (demand.on === 'create' || demand.on === 'update')
        pending.demands.push({ demand, within: decision.within });
      else if (demand.on !== 'instance' || !(await probeAll(probe, caller, demand, decision.within))) {
        return denied(request, response, scopeFor(caller, demand));
      }
    }
    response.locals.pending = pending;
    next();
  };
}

async function authenticate(request: Request, response: Response, verify: Verifier): Promise<Caller | undefined> {
  const match = /^Bearer +([A-Za-z0-9\-._~+/]+=*) *$/i.exec(request.get('authorization') ?? '');
  const caller = match ? await verify(match[1] as string) : undefined;
  // A token bound to a certificate is worth nothing on any other connection, RFC 8705.
  const isBound = caller?.certificate === undefined || caller.certificate === certificateOf(request);
  if (caller && isBound) return caller;
  const error = match ? ', error="invalid_token"' : '';
  response.set('WWW-Authenticate', `Bearer realm="passerelle"${error}`);
  refuse(request, response, [fault(match ? 'token-invalid' : 'token-missing')]);
  return undefined;
}

function pathOf({ url }: Request): string {
  const at = url.indexOf('?');
  return at < 0 ? url : url.slice(0, at);
}

function queryOf({ url }: Request): string {
  const at = url.indexOf('?');
  return at < 0 ? '' : url.slice(at + 1);
}

function narrowUrl(request: Request, added: [string, string][]): void {
  if (added.length === 0) return;
  const query = queryOf(request);
  // A door that looks at either must see the same.
  request.url = request.originalUrl = `${pathOf(request)}?${query ? `${query}&` : ''}${new URLSearchParams(added)}`;
}
