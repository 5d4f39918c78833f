import type { Patient } from '@medplum/fhirtypes';
import { insOf, isQualified } from '../../adapter/ins.ts';

/** What a mail says of its patient. */
export interface PatientTraits {
  /** Birth name, else the name in use. */
  family: string;
  given: string;
  /** `JJ/MM/AAAA`, empty when unknown. */
  birthDate: string;
  /** Administrative sex as HL7 v2 writes it (table 0001). */
  sex?: 'M' | 'F' | 'O' | 'U';
  ins?: { system: string; oid: string; value: string };
  /** The number of the record at a hospital or practice (IPP), where its issuer has an OID. */
  local?: { oid: string; value: string };
  /** The INS can be relied on: status qualified, matricule, OID and all traits there. */
  qualified: boolean;
  /** Matricule, OID and all traits are there (X-MSS-INS), whatever the status. */
  complete: boolean;
}

const SEXES = { male: 'M', female: 'F', other: 'O', unknown: 'U' } as const;
/** The national identity in all its ages: INS-C as well is no number of a hospital’s. */
const NATIONAL = /^urn:oid:1\.2\.250\.1\.213\.1\.4\./;

/** What a mail says of a patient, from its record. */
export function traitsOf(patient: Patient): PatientTraits {
  const names = patient.name ?? [];
  const name = names.find((one) => one.use === 'official') ?? names.find((one) => one.use !== 'old') ?? {};
  const ins = insOf(patient);
  const local = (patient.identifier ?? []).find(
    ({ system = '', value, use }) =>
      system.startsWith('urn:oid:') && !NATIONAL.test(system) && use !== 'old' && Boolean(value),
  );
  const family = name.family ?? name.text ?? '';
  const given = name.given?.[0] ?? '';
  const [year, month, day] = (patient.birthDate ?? '').split('-');
  const place = patient.extension?.find(({ url }) => url.endsWith('/patient-birthPlace'))?.valueAddress;
  const isPlaced = place?.extension?.some(({ url }) => url.endsWith('insee-code')) || Boolean(place?.city);
  const complete =
    ins !== undefined && family !== '' && given !== '' && day !== undefined && Boolean(patient.gender) && isPlaced;
  return {
    family,
    given,
    birthDate: year && month && day ? `${day}/${month}/${year}` : (year ?? ''),
    ...(ins ? { ins: { ...ins, oid: ins.system.slice('urn:oid:'.length) } } : {}),
    ...(patient.gender ? { sex: SEXES[patient.gender] } : {}),
    ...(local ? { local: { oid: local.system!.slice('urn:oid:'.length), value: local.value! } } : {}),
    qualified: complete && isQualified(patient),
    complete,
  };
}
