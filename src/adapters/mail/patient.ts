import type { Coding, Patient } from '@medplum/fhirtypes';

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

const RELIABILITY = /fr-core-identity-reliability$/;
const SEXES = { male: 'M', female: 'F', other: 'O', unknown: 'U' } as const;
const INS_SYSTEM = /^urn:oid:1\.2\.250\.1\.213\.1\.4\./;

/** What a mail says of a patient, from its record. */
export function traitsOf(patient: Patient): PatientTraits {
  const names = patient.name ?? [];
  const name = names.find((one) => one.use === 'official') ?? names.find((one) => one.use !== 'old') ?? {};
  const ins = (patient.identifier ?? []).find(
    ({ system, value, use }) =>
      /^urn:oid:1\.2\.250\.1\.213\.1\.4\.(8|9|10|11)$/.test(system ?? '') &&
      use !== 'old' &&
      /^[1-8]\d{4}(\d{2}|2[AB])\d{8}$/.test(value ?? ''),
  );
  const local = (patient.identifier ?? []).find(
    ({ system = '', value, use }) =>
      system.startsWith('urn:oid:') && !INS_SYSTEM.test(system) && use !== 'old' && Boolean(value),
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
    ...(ins ? { ins: { system: ins.system!, oid: ins.system!.slice('urn:oid:'.length), value: ins.value! } } : {}),
    ...(patient.gender ? { sex: SEXES[patient.gender] } : {}),
    ...(local ? { local: { oid: local.system!.slice('urn:oid:'.length), value: local.value! } } : {}),
    qualified: complete && isQualified(patient),
    complete,
  };
}

/** Qualified in FR Core 2.2 (`QUAL`), or validated in HL7 v2 and FR Core 2.1 (`VALI`), where that means the same. */
function isQualified(patient: Patient): boolean {
  const statuses = (patient.extension ?? [])
    .filter(({ url }) => RELIABILITY.test(url))
    .flatMap(({ extension }) => extension?.find(({ url }) => url === 'identityStatus')?.valueCoding ?? []);
  const isOlder = ({ system, version }: Coding) => version?.startsWith('2.1') || /v2-0445$/.test(system ?? '');
  return statuses.some((one) => one.code === 'QUAL' || (one.code === 'VALI' && isOlder(one)));
}
