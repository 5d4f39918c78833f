import type { AuditEvent } from '@medplum/fhirtypes';
import { sourceOf } from '../message.ts';

/** A message that came in, or a delivery that went out, as it ended. */
export interface Exchanged {
  direction: 'in' | 'out';
  messageId: string;
  /** Who sent it, as the message or its token says; for a delivery the gateway itself. */
  from: string;
  /** The door it came in by, or the destination it was for. */
  door: string;
  /** `MDM^T02`, `json telemonitoring-covidom`. */
  kind?: string;
  outcome: 'done' | 'refused' | 'failed';
  /** What became of it in the register's words: a state or the code of an error. */
  became: string;
  /** References to what was written; the patients among them are named. */
  references: string[];
  at: Date;
}

const dicom = 'http://dicom.nema.org/resources/ontology/DCM';
const outcomes = { done: '0', refused: '4', failed: '8' } as const;

/**
 * An AuditEvent for a message: DICOM's Import or Export, at most two agents (source and destination), the message, the patients.
 * https://profiles.ihe.net/ITI/BALP/content.html, TDE 2.0 (one subtype at most, a period)
 */
export function messageEvent(one: Exchanged): AuditEvent {
  const isIn = one.direction === 'in';
  const at = one.at.toISOString();
  const agent = (code: string, name: string, requestor: boolean) => ({
    type: { coding: [{ system: dicom, code }] },
    who: { display: name },
    requestor,
  });
  const patients = one.references.filter((reference) => /^Patient\/[A-Za-z0-9.-]{1,64}$/.test(reference));
  return {
    resourceType: 'AuditEvent',
    type: { system: dicom, code: isIn ? '110107' : '110106', display: isIn ? 'Import' : 'Export' },
    action: isIn ? 'C' : 'R',
    period: { start: at },
    recorded: at,
    outcome: outcomes[one.outcome],
    outcomeDesc: one.became,
    agent: [agent('110153', one.from, true), agent('110152', one.door, false)],
    source: { site: 'passerelle', observer: { display: 'passerelle' } },
    entity: [
      ...patients.map((reference) => entity('1', '1', { reference })),
      entity('2', '4', {
        identifier: { system: 'urn:ietf:rfc:3986', value: sourceOf(one.messageId) },
        ...(one.kind ? { display: one.kind } : {}),
      }),
    ],
  };
}

function entity(type: string, role: string, what: NonNullable<AuditEvent['entity']>[number]['what']) {
  return {
    type: { system: 'http://terminology.hl7.org/CodeSystem/audit-entity-type', code: type },
    role: { system: 'http://terminology.hl7.org/CodeSystem/object-role', code: role },
    what,
  };
}
