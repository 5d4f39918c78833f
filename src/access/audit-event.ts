import { hash } from 'node:crypto';
import type { AuditEvent, AuditEventEntity, Coding } from '@medplum/fhirtypes';
import type { Caller } from './caller.ts';
import { type AccessRules, FILE } from './porter-rules.ts';

/** One request to the FHIR API as it ended. */
export interface Asked {
  caller?: Caller;
  method: string;
  /** Below the FHIR base, with its query. */
  path: string;
  /** Parameters of a search by POST. */
  form?: string;
  status: number;
  address?: string;
  at: Date;
}

const kinds = 'http://dicom.nema.org/resources/ontology/DCM';
const interactions = 'http://hl7.org/fhir/restful-interaction';
const objects = 'http://terminology.hl7.org/CodeSystem/object-role';
const objectTypes = 'http://terminology.hl7.org/CodeSystem/audit-entity-type';
const purposes = 'http://terminology.hl7.org/CodeSystem/v3-ActReason';

/** Patients one event names. */
const mostPatients = 100;

/** An AuditEvent in the shape of IHE BALP 1.1 (RESTful patterns): at most two agents, the patient, the query in base64. */
export function auditEvent(asked: Asked): AuditEvent {
  const [steps = '', query = ''] = asked.path.split(/\?(.*)/s);
  const { code, action } = interactionOf(asked.method, steps);
  const { caller, status } = asked;
  const purpose = caller?.emergency || steps.endsWith('/$break-glass') ? 'BTG' : 'TREAT';
  return {
    resourceType: 'AuditEvent',
    type: {
      system: 'http://terminology.hl7.org/CodeSystem/audit-event-type',
      code: 'rest',
      display: 'RESTful Operation',
    },
    subtype: [{ system: interactions, code }],
    action,
    period: { start: asked.at.toISOString() },
    recorded: asked.at.toISOString(),
    outcome: status < 400 ? '0' : status < 500 ? '4' : '8',
    outcomeDesc: String(status),
    ...(caller?.practitioner ? { purposeOfEvent: [{ coding: [{ system: purposes, code: purpose }] }] } : {}),
    agent: agentsOf(asked),
    source: { site: 'passerelle', observer: { display: 'passerelle' } },
    entity: entitiesOf(asked, steps, [query, asked.form].filter(Boolean).join('&')),
  };
}

/** A person logged in and let a program in: DICOM's User Authentication, Login. */
export function loginEvent(
  { clientId, practitioner, address }: { clientId: string; practitioner: string; address?: string },
  at: Date,
): AuditEvent {
  const caller = { clientId, practitioner } as Caller;
  return {
    ...eventOf(dcm('110114', 'User Authentication'), dcm('110122', 'Login'), 'E', at),
    agent: agentsOf({ caller, method: 'GET', path: '', status: 200, at, ...(address ? { address } : {}) }),
  };
}

/** Other rules of access hold from now on: DICOM's Security Alert, Security Configuration. Who changed the file is not known here. */
export function rulesEvent(rules: AccessRules, at: Date): AuditEvent {
  const digest = hash('sha256', JSON.stringify(rules), 'hex');
  return {
    ...eventOf(dcm('110113', 'Security Alert'), dcm('110129', 'Security Configuration'), 'U', at),
    agent: [
      { type: { coding: [{ system: kinds, code: '110150' }] }, who: { display: 'passerelle' }, requestor: false },
    ],
    entity: [
      entity('2', '13', { name: `${FILE} ${rules.version}`, detail: [{ type: 'sha256', valueString: digest }] }),
    ],
  };
}

const dcm = (code: string, display: string): Coding => ({ system: kinds, code, display });

/** What happened here, at one moment, and succeeded. */
function eventOf(type: Coding, subtype: Coding, action: AuditEvent['action'], at: Date) {
  const recorded = at.toISOString();
  return {
    resourceType: 'AuditEvent' as const,
    type,
    subtype: [subtype],
    action,
    period: { start: recorded },
    recorded,
    outcome: '0' as const,
    source: { site: 'passerelle', observer: { display: 'passerelle' } },
  };
}

function agentsOf({ caller, address }: Asked): AuditEvent['agent'] {
  const network = address ? { network: { address, type: '2' as const } } : {};
  const role = (code: string) => ({ type: { coding: [{ system: kinds, code }] } });
  const client = { ...role('110153'), who: { display: caller?.clientId ?? 'unknown' }, requestor: false, ...network };
  const person = caller?.practitioner
    ? { identifier: { system: 'https://rpps.esante.gouv.fr', value: caller.practitioner } }
    : caller?.patient
      ? { reference: `Patient/${caller.patient}` }
      : undefined;
  if (!person) return [{ ...client, requestor: true }];
  const user = { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ParticipationType', code: 'IRCP' }] };
  return [client, { type: user, who: person, requestor: true }];
}

function entitiesOf({ caller }: Asked, steps: string, query: string): AuditEventEntity[] {
  const [type = '', id] = steps.split('/');
  const entities: AuditEventEntity[] = [];
  const named = patientIn(type, id, query) ?? caller?.patient;
  const patients = new Set([...(named ? [named] : []), ...[...(caller?.shown ?? [])].slice(0, mostPatients)]);
  for (const patient of patients) entities.push(entity('1', '1', { what: { reference: `Patient/${patient}` } }));
  const isInstance = id !== undefined && !id.startsWith('_') && !id.startsWith('$');
  if (isInstance && type !== 'Patient') entities.push(entity('2', '3', { what: { reference: `${type}/${id}` } }));
  if (query) entities.push(entity('2', '24', { query: Buffer.from(`${steps}?${query}`).toString('base64') }));
  return entities;
}

function entity(type: string, role: string, more: Partial<AuditEventEntity>): AuditEventEntity {
  return { type: { system: objectTypes, code: type }, role: { system: objects, code: role }, ...more };
}

/** The patient a request names by reference. */
function patientIn(type: string, id: string | undefined, query: string): string | undefined {
  if (type === 'Patient' && id && /^[A-Za-z0-9.-]{1,64}$/.test(id)) return id;
  const asked = new URLSearchParams(query);
  const named = asked.get('patient') ?? asked.get('subject') ?? (type === 'Patient' ? asked.get('_id') : null);
  return /^(?:Patient\/)?([A-Za-z0-9.-]{1,64})$/.exec(named ?? '')?.[1];
}

function interactionOf(method: string, steps: string): { code: string; action: AuditEvent['action'] } {
  const [type, id, third, version] = steps.split('/').filter(Boolean);
  if (steps.includes('$')) return { code: 'operation', action: 'E' };
  if (method === 'DELETE') return { code: 'delete', action: 'D' };
  if (method === 'PUT') return { code: 'update', action: 'U' };
  if (method === 'PATCH') return { code: 'patch', action: 'U' };
  if (method === 'POST' && id === '_search') return { code: 'search', action: 'E' };
  if (method === 'POST') return { code: type ? 'create' : 'transaction', action: type ? 'C' : 'E' };
  if (id === '_history' || (third === '_history' && !version)) return { code: 'history', action: 'R' };
  if (third === '_history') return { code: 'vread', action: 'R' };
  return id ? { code: 'read', action: 'R' } : { code: 'search', action: 'E' };
}
