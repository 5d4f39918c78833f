import type { Coding, Identifier, Patient } from '@medplum/fhirtypes';

/** Authorities of the national identity: NIR, NIA, and those of test and demonstration. */
const INS = /^urn:oid:1\.2\.250\.1\.213\.1\.4\.(8|9|10|11)$/;
const SHAPE = /^[1-8]\d{4}(?:\d{2}|2[AB])\d{8}$/;
const RELIABILITY = /fr-core-identity-reliability$/;

/** True for the system of an INS (NIR, NIA, and those of test and demonstration). */
export function isIns(system: string | undefined): boolean {
  return INS.test(system ?? '');
}

/** Shape and control key of a NIR: 97 minus the first thirteen characters modulo 97 (2A and 2B count as 19 and 18). */
export function isValidMatricule(value: string): boolean {
  if (!SHAPE.test(value)) return false;
  const digits = Number(value.slice(0, 13).replace('2A', '19').replace('2B', '18'));
  return String(97 - (digits % 97)).padStart(2, '0') === value.slice(13);
}

/** The INS that counts now, when its key is right. */
export function insOf(patient: Patient): Required<Pick<Identifier, 'system' | 'value'>> | undefined {
  const found = patient.identifier?.find(
    ({ system, value, use }) => isIns(system) && use !== 'old' && isValidMatricule(value ?? ''),
  );
  return found && { system: found.system!, value: found.value! };
}

/** The INS may leave the house: qualified in FR Core 2.2 (`QUAL`), validated in HL7 v2 and FR Core 2.1 (`VALI`). */
export function isQualified(patient: Patient): boolean {
  const statuses = (patient.extension ?? [])
    .filter(({ url }) => RELIABILITY.test(url))
    .flatMap(({ extension }) => extension?.find(({ url }) => url === 'identityStatus')?.valueCoding ?? []);
  const isOlder = ({ system, version }: Coding) => version?.startsWith('2.1') || /v2-0445$/.test(system ?? '');
  return statuses.some((one) => one.code === 'QUAL' || (one.code === 'VALI' && isOlder(one)));
}
