import type { CareTeam, Parameters, Patient } from '@medplum/fhirtypes';
import type { Request, Response, Router } from 'express';
import { emergencyBundle } from '../access/break-glass.ts';
import { fhirBase } from '../access/demands.ts';
import type { Access } from '../access/index.ts';
import { kindOf } from '../access/porter-asker.ts';
import { openFacts } from '../access/porter-facts.ts';
import { recordsOf } from '../access/porter-records.ts';
import { type AccessRules, CARE } from '../access/porter-rules.ts';
import { refuse } from '../adapter/answer.ts';
import type { DoorContext, FhirEndpoint } from '../adapter.ts';
import { type Fault, fault, isError } from '../errors.ts';
import { readResource } from './content.ts';

/** How a write is written down and waited for, as doors do it. */
export type Writing = Pick<DoorContext, 'accept' | 'outcome'>;

const waitSeconds = 20;

/**
 * `POST Patient/[id]/$break-glass`, or `POST Patient/$break-glass` with an `identifier`: a professional outside the circle
 * sees the record in an emergency, for a time, with a reason, announced to the referent. Parameters: `reason` (10 to 500
 * characters), `minutes` (at most the rules' longest), `identifier`.
 */
export function breakGlassRoutes(
  router: Router,
  access: Pick<Access, 'rules'>,
  fhir: FhirEndpoint,
  writing: Writing,
): void {
  const answer = (request: Request, response: Response) =>
    open(request, response, { rules: access.rules, fhir, writing });
  router.post(`${fhirBase}/Patient/$break-glass`, answer);
  router.post(`${fhirBase}/Patient/:id/$break-glass`, answer);
}

interface Parts {
  rules: AccessRules;
  fhir: FhirEndpoint;
  writing: Writing;
}

async function open(request: Request, response: Response, { rules, fhir, writing }: Parts): Promise<void> {
  const { caller } = request;
  const asked = caller && kindOf(caller) === 'professional' ? askedIn(rules, request) : fault('break-glass-refused');
  if (!caller || 'code' in asked) return refuse(request, response, [asked as Fault]);
  const now = new Date();
  const records = recordsOf(fhir);
  const facts = openFacts(rules, { ...caller, shown: undefined }, fhir, now.getTime());
  const { references } = await facts.asker();
  const practitioner = [...references].find(([one, as]) => one.startsWith('Practitioner/') && as === CARE)?.[0];
  if (!practitioner) return refuse(request, response, [fault('break-glass-refused')]);
  const { id } = request.params as { id?: string };
  const found = id
    ? await records.find<Patient>('Patient', '_id', /^[A-Za-z0-9.-]{1,64}$/.test(id) ? [id] : [])
    : await records.find<Patient>('Patient', 'identifier', asked.identifier ? [asked.identifier] : []);
  const [patient] = found;
  if (!patient?.id || found.length > 1) return refuse(request, response, [fault('access-not-here')]);
  const [verdict] = await facts.judge([patient]);
  if (verdict && refusing.has(verdict.rule)) return refuse(request, response, [fault('break-glass-refused')]);

  const careTeams = await records.find<CareTeam>('CareTeam', 'patient', [`Patient/${patient.id}`], '&status=active');
  const { reason, minutes } = asked;
  const bundle = emergencyBundle(rules, { patient, careTeams, practitioner, reason, minutes, at: now });
  caller.shown?.add(patient.id);
  const verdictOfWrite = await writing.accept({
    door: 'break-glass',
    bytes: Buffer.from(JSON.stringify(bundle)),
    format: 'fhir',
    contentType: 'application/fhir+json',
    sender: caller.clientId,
    interaction: { method: 'POST', path: '', headers: {} },
  });
  const outcome = await writing.outcome(verdictOfWrite.id, waitSeconds);
  const faults = [...verdictOfWrite.faults, ...(outcome?.faults ?? [])].filter(isError);
  if (faults.length > 0) return refuse(request, response, faults);
  if (outcome?.state !== 'delivered') return refuse(request, response, [fault('fhir-unreachable')]);
  const end = new Date(now.getTime() + minutes * 60_000).toISOString();
  const body: Parameters = {
    resourceType: 'Parameters',
    parameter: [
      { name: 'patient', valueReference: { reference: `Patient/${patient.id}` } },
      { name: 'until', valueInstant: end },
    ],
  };
  response.status(201).type('application/fhir+json').send(JSON.stringify(body));
}

/** What the patient has refused is not opened by an emergency either. */
const refusing = new Set(['opposition', 'agreement-withdrawn']);

function askedIn(
  rules: AccessRules,
  request: Request,
): { reason: string; minutes: number; identifier?: string } | Fault {
  const resource = readResource(request.body as Buffer) as Parameters | undefined;
  const given = resource?.resourceType === 'Parameters' ? (resource.parameter ?? []) : [];
  const named = (name: string) => given.find((one) => one?.name === name);
  const reason = named('reason')?.valueString?.trim() ?? '';
  const longest = rules.breakGlass.longestMinutes;
  const minutes = named('minutes')?.valueInteger ?? longest;
  const wrong = (name: string, expected: string) => fault('parameter-invalid', { params: { name, expected } });
  if (reason.length < 10 || reason.length > 500) return wrong('reason', '10-500 characters');
  if (!Number.isInteger(minutes) || minutes < 1 || minutes > longest) return wrong('minutes', `1-${longest}`);
  const { system, value } = named('identifier')?.valueIdentifier ?? {};
  const isUsable = system && value && !/[|,\\\s]/.test(`${system}${value}`);
  return { reason, minutes, ...(isUsable ? { identifier: `${system}|${value}` } : {}) };
}
