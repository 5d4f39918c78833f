import type { Attachment, Patient, Reference } from '@medplum/fhirtypes';
import { isIns, isValidMatricule } from '../../adapter/ins.ts';
import { type Fault, fault, isError } from '../../errors.ts';
import * as cda from '../../formats/cda/index.ts';
import { sha1 } from './dossier.ts';

/** Whether the bytes are those that the attachment announces; what it does not announce is not compared. */
export function checkBytes({ hash, size }: Attachment, bytes: Uint8Array, place: string): Fault[] {
  const differs = (element: string) =>
    fault('provide-content-differs', { place: `${place}.${element}`, params: { element } });
  return [
    ...(hash !== undefined && hash !== sha1(bytes) ? [differs('hash')] : []),
    ...(size !== undefined && size !== bytes.length ? [differs('size')] : []),
  ];
}

/**
 * A CDA document must be readable, and about the subject: no INS of its own that the subject does not have; where there is
 * no INS to compare, no other date of birth.
 */
export function checkDocument(
  contentType: string | undefined,
  bytes: Uint8Array,
  subject: Patient | undefined,
  place: string,
): Fault[] {
  if (
    !/xml/.test(contentType ?? '') ||
    !Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).includes('ClinicalDocument')
  )
    return [];
  const { tree, faults } = cda.read(bytes);
  const errors = faults.filter(isError);
  if (errors.length > 0) return errors.map((one) => ({ ...one, place: `${place}.data${one.place ?? ''}` }));
  const { patient } = cda.identity(tree);
  const own = matricules(patient.identifier);
  const theirs = matricules(subject?.identifier);
  const comparable = own.length > 0 && theirs.length > 0;
  const differs = comparable
    ? !own.some((one) => theirs.includes(one))
    : [patient.birthDate, subject?.birthDate].every((one) => one?.length === 10) &&
      patient.birthDate !== subject?.birthDate;
  return differs ? [fault('provide-subject-differs', { place })] : [];
}

function matricules(identifiers: Patient['identifier']): string[] {
  return (identifiers ?? []).flatMap(({ system, value }) => (isIns(system) && value ? [value] : []));
}

/** An INS that a reference names somebody by must have its key, or it names nobody. */
export function checkSubject(named: Reference | undefined, place: string): Fault[] {
  const condition = /^Patient\?identifier=([^&]+)$/.exec(named?.reference ?? '')?.[1];
  const written = condition?.replace(/%7C/i, '|').replace(/%3A/gi, ':').split('|');
  const [system, value = ''] = written ?? [named?.identifier?.system, named?.identifier?.value];
  return isIns(system) && !isValidMatricule(value) ? [fault('provide-ins-invalid', { place })] : [];
}

/** A record that is closed takes nothing more; PDSm for DMP, TD0.2: Patient.active says whether it is open. */
export function checkOpen(subject: Patient | undefined, place: string): Fault[] {
  return subject?.active === false ? [fault('provide-record-closed', { place })] : [];
}
