import type { Bundle, CareTeam, Communication, Consent, Patient, Task } from '@medplum/fhirtypes';
import { referenceOf } from './porter-elements.ts';
import type { AccessRules } from './porter-rules.ts';

/** An emergency access as it was asked for. */
export interface Emergency {
  patient: Patient;
  /** Who is told when there is no general practitioner. */
  careTeams: CareTeam[];
  /** `Practitioner/id` of the professional who takes it. */
  practitioner: string;
  reason: string;
  minutes: number;
  at: Date;
}

const reasons = 'http://terminology.hl7.org/CodeSystem/v3-ActReason';
const mostTold = 20;

/**
 * The transaction that gives emergency access and announces it: a Consent that permits, from now on for so many minutes; a
 * Task for the record's referent to review it; a Communication to all referents. Pure.
 * https://hl7.org/fhir/R4/consent.html
 */
export function emergencyBundle(rules: AccessRules, emergency: Emergency): Bundle {
  const { patient, practitioner, reason, minutes, at } = emergency;
  const subject = { reference: `Patient/${patient.id}` };
  const { system, code } = rules.breakGlass;
  const kind = { coding: [{ system, code, display: 'Accès d’urgence' }] };
  const start = at.toISOString();
  const end = new Date(at.getTime() + minutes * 60_000).toISOString();
  const told = referentsOf(emergency);
  const consent: Consent = {
    resourceType: 'Consent',
    status: 'active',
    scope: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/consentscope', code: 'patient-privacy' }] },
    category: [kind],
    patient: subject,
    dateTime: start,
    performer: [{ reference: practitioner }],
    policyRule: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'OPTOUT' }] },
    provision: {
      type: 'permit',
      period: { start, end },
      actor: [
        {
          role: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ParticipationType', code: 'IRCP' }] },
          reference: { reference: practitioner },
        },
      ],
      purpose: [{ system: reasons, code: 'BTG', display: 'break the glass' }],
    },
  };
  const about = 'urn:uuid:00000000-0000-4000-8000-000000000001';
  const review: Task = {
    resourceType: 'Task',
    status: 'requested',
    intent: 'order',
    priority: 'urgent',
    code: kind,
    description: `Accès d’urgence au dossier jusqu’au ${end} : à vérifier`,
    focus: { reference: about },
    for: subject,
    authoredOn: start,
    requester: { reference: practitioner },
    ...(told[0] ? { owner: told[0] } : {}),
    reasonCode: { coding: [{ system: reasons, code: 'BTG' }], text: reason },
  };
  const message: Communication = {
    resourceType: 'Communication',
    status: 'completed',
    category: [kind],
    priority: 'urgent',
    subject,
    sent: start,
    sender: { reference: practitioner },
    ...(told.length > 0 ? { recipient: told } : {}),
    about: [{ reference: about }],
    reasonCode: [{ coding: [{ system: reasons, code: 'BTG' }], text: reason }],
    payload: [{ contentString: `Accès d’urgence au dossier de ${start} à ${end}. Motif : ${reason}` }],
  };
  const entry = [consent, review, message].map((resource, index) => ({
    fullUrl: `urn:uuid:00000000-0000-4000-8000-00000000000${index + 1}`,
    resource,
    request: { method: 'POST' as const, url: resource.resourceType },
  }));
  return { resourceType: 'Bundle', type: 'transaction', entry };
}

/** The general practitioners; without one, the circle. */
function referentsOf({ patient, careTeams }: Emergency): { reference: string }[] {
  const own = (patient.generalPractitioner ?? []).map(referenceOf);
  const members = careTeams.flatMap(({ participant }) => participant ?? []).map(({ member }) => referenceOf(member));
  const told = own.some(Boolean) ? own : members;
  return [...new Set(told.filter(Boolean))].slice(0, mostTold).map((reference) => ({ reference }));
}
