import type { AuditEvent, Bundle } from '@medplum/fhirtypes';
import type { RequestHandler, Response, Router } from 'express';
import type { AuditQuestion, AuditTrail } from '../access/audit.ts';
import { auditEvent } from '../access/audit-event.ts';
import type { Caller } from '../access/caller.ts';
import { decide } from '../access/decide.ts';
import { fhirBase } from '../access/demands.ts';
import type { Access } from '../access/index.ts';
import { kindOf } from '../access/porter-asker.ts';
import { openFacts } from '../access/porter-facts.ts';
import type { AccessRules } from '../access/porter-rules.ts';
import { refuse } from '../adapter/answer.ts';
import { fault } from '../errors.ts';

/** Writes down every request to the FHIR API and every message that came over HTTP, refused ones too. */
export function audited(audit: AuditTrail): RequestHandler {
  return (request, response, next) => {
    const [path = ''] = request.url.split('?');
    const isFhir = path === fhirBase || path.startsWith(`${fhirBase}/`);
    const isOpen = path === `${fhirBase}/metadata` || path.startsWith(`${fhirBase}/.well-known/`);
    if ((!isFhir && !path.startsWith('/in/')) || isOpen) return next();
    if (audit.isBlocked()) return refuse(request, response, [fault('not-durable')]);
    const at = new Date();
    const { method, url, socket } = request;
    const address = socket.remoteAddress;
    response.once('close', () => {
      const form =
        path.endsWith('/_search') && Buffer.isBuffer(request.body) ? request.body.toString('utf8') : undefined;
      const below = isFhir ? url.slice(fhirBase.length + 1) : url.slice(1);
      const { caller } = request;
      audit.record(auditEvent({ caller, method, path: below, form, status: response.statusCode, address, at }));
    });
    next();
  };
}

/** `AuditEvent?date=ge…&date=lt…` (ITI-81) for who may search AuditEvents, `Patient/[id]/$access-log` for patient and GP. */
export function auditRoutes(router: Router, access: Access): void {
  const { audit } = access;
  router.get(`${fhirBase}/AuditEvent`, (request, response, next) => {
    const { caller } = request;
    if (!caller || kindOf(caller) !== 'machine') return next();
    const within = new URLSearchParams(request.url.split('?')[1] ?? '');
    const question = questionOf(within);
    if (!question) {
      const expected = 'date=ge…&date=lt…';
      return refuse(request, response, [fault('parameter-invalid', { params: { name: 'date', expected } })]);
    }
    send(response, audit.list(question), caller);
  });
  router.get(`${fhirBase}/Patient/:id/$access-log`, async (request, response) => {
    const { caller } = request;
    const { id } = request.params as { id: string };
    if (!caller || !(await maySeeLog(access.rules, caller, id)))
      return refuse(request, response, [fault('access-not-here')]);
    const asked = new URLSearchParams(request.url.split('?')[1] ?? '');
    const bounds = questionOf(asked) ?? { from: '', to: '9999', count: pageOf(asked, '_count', 50), offset: 0 };
    send(response, audit.list({ ...bounds, patient: id }), caller);
  });
}

async function maySeeLog(rules: AccessRules, caller: Caller, id: string): Promise<boolean> {
  const kind = kindOf(caller);
  if (kind === 'patient') return caller.patient === id;
  if (kind === 'machine') {
    return decide(caller, { anyOf: [{ type: 'AuditEvent', permission: 's' }], on: 'other' }).granted;
  }
  if (!caller.fhir) return false;
  const found = await caller.fhir.send({ method: 'GET', path: `Patient/${id}` });
  if (found.status !== 200) return false;
  const facts = openFacts(rules, { ...caller, shown: undefined }, caller.fhir);
  const { references } = await facts.asker();
  const { generalPractitioner = [] } = found.body as { generalPractitioner?: { reference?: string }[] };
  return generalPractitioner.some(({ reference }) => reference !== undefined && references.has(reference));
}

/** Both bounds are needed, https://profiles.ihe.net/ITI/TF/Volume2/ITI-81.html; undefined when one is missing. */
function questionOf(query: URLSearchParams): AuditQuestion | undefined {
  let from: string | undefined;
  let to: string | undefined;
  for (const value of query.getAll('date')) {
    const match = /^(ge|gt|lt|le)(\d{4}-\d\d-\d\d(?:T[\d:.]{5,12}(?:Z|[+-]\d\d:\d\d))?)$/.exec(value);
    const at = match ? new Date(match[2] as string) : undefined;
    if (!match || !at || Number.isNaN(at.getTime())) return undefined;
    if (match[1]?.startsWith('g')) from = at.toISOString();
    else to = at.toISOString();
  }
  if (from === undefined || to === undefined) return undefined;
  const patient = /^(?:Patient\/)?([A-Za-z0-9.-]{1,64})$/.exec(query.get('patient') ?? '')?.[1];
  if (query.has('patient') && patient === undefined) return undefined;
  return { from, to, patient, count: pageOf(query, '_count', 50), offset: pageOf(query, '_offset', 0) };
}

function pageOf(query: URLSearchParams, name: string, otherwise: number): number {
  const text = query.get(name) ?? '';
  return /^\d{1,6}$/.test(text) ? Math.min(Number(text), name === '_count' ? 1000 : 1_000_000) : otherwise;
}

function send(response: Response, { total, events }: { total: number; events: AuditEvent[] }, caller: Caller): void {
  const patients = events.filter((one) => kindOf(caller) !== 'machine' || caller.sees(one));
  const entry = patients.map((resource) => ({ resource, search: { mode: 'match' as const } }));
  const bundle: Bundle = { resourceType: 'Bundle', type: 'searchset', total, ...(entry.length > 0 ? { entry } : {}) };
  response.type('application/fhir+json').send(JSON.stringify(bundle));
}
