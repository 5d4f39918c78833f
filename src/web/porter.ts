import type { Request, RequestHandler } from 'express';
import { fhirBase, safeSteps } from '../access/demands.ts';
import type { Access } from '../access/index.ts';
import { kindOf } from '../access/porter-asker.ts';
import { guarded } from '../access/porter-reads.ts';
import { refusalOf } from '../access/porter-writes.ts';
import type { Verifier } from '../access/verifier.ts';
import { refuse } from '../adapter/answer.ts';
import type { FhirEndpoint } from '../adapter.ts';
import { fault } from '../errors.ts';
import { readResource } from './content.ts';

/** Gives every caller the FHIR server as it may see it; made anew for each request, so that nothing is remembered. */
export function asSeen(access: Access, fhir: FhirEndpoint): Verifier {
  return async (token) => {
    const caller = await access.verify(token);
    if (!caller) return undefined;
    const mine = { ...caller, shown: new Set<string>() };
    // One object, so that what is noted while answering is there for the audit.
    return Object.assign(mine, { fhir: guarded(access.rules, mine, fhir) });
  };
}

/**
 * What the token of a person or tool may do besides reading: write single resources of patients it sees. The other doors
 * are for machines and tools. Reads go through `caller.fhir`, where the same rules decide.
 */
export function porterGate(access: Pick<Access, 'rules'>, fhir: FhirEndpoint): RequestHandler {
  return async (request, response, next) => {
    const { caller, method } = request;
    if (!caller || kindOf(caller) === 'machine') return next();
    const path = request.url.split('?')[0] as string;
    const steps = safeSteps(path) ?? [];
    if (kindOf(caller) === 'tool' && (steps[0] === 'in' || steps[0] === 'messages')) return next();
    if (`/${steps.slice(0, 2).join('/')}` !== fhirBase) {
      if ((steps[0] === 'messages' || steps[0] === 'explain') && method === 'GET') return next();
      return refuse(request, response, [fault('access-not-for-persons', { params: { what: path.slice(0, 40) } })]);
    }
    const below = steps.slice(2);
    if (isReading(method, below)) return next();
    const refusal = await refusalOf(access.rules, caller, fhir, {
      method,
      steps: below,
      conditional: isConditional(request),
      resource: method === 'DELETE' ? undefined : readResource(request.body as Buffer),
    });
    if (!refusal) return next();
    refuse(request, response, [fault(refusal.code, { params: { what: refusal.what } })]);
  };
}

function isReading(method: string, below: string[]): boolean {
  if (method === 'GET' || method === 'HEAD') return true;
  const last = below.at(-1) ?? '';
  return method === 'POST' && (last === '_search' || last.startsWith('$'));
}

function isConditional(request: Request): boolean {
  return (
    request.url.includes('?') || ['if-none-exist', 'if-none-match'].some((name) => request.get(name) !== undefined)
  );
}
