import type { Coding, Extension, Patient } from '@medplum/fhirtypes';

/** FR Core's extension for the reliability of an identity. */
export const RELIABILITY = 'https://hl7.fr/ig/fhir/core/StructureDefinition/fr-core-identity-reliability';

/**
 * Code systems of the identity status and the version of FR Core they belong to. `VALI` is a qualified identity in HL7 v2
 * and FR Core 2.1, and only a locally validated one from 2.2 on, so a status is kept with its system and version and is
 * never rewritten from one to the other.
 */
const versions: Record<string, string> = {
  'https://hl7.fr/ig/fhir/core/CodeSystem/fr-core-cs-v2-0445': '2.1.0',
  'http://interopsante.org/CodeSystem/fr-v2-0445': '2.1.0',
  'http://terminology.hl7.org/CodeSystem/v2-0445': '2.1.0',
  'https://hl7.fr/ig/fhir/core/CodeSystem/fr-core-cs-identity-status': '2.2.0',
};

/** How far the identity was checked, comparable over both versions. */
export type Reliability = 'none' | 'provisional' | 'partial' | 'qualified';
const order: Reliability[] = ['none', 'provisional', 'partial', 'qualified'];

/** What a status says in its own version. */
export function reliabilityOf(status: Coding | undefined): Reliability {
  if (!status?.code) return 'none';
  const is21 = versionOf(status).startsWith('2.1');
  if (status.code === 'QUAL' || (status.code === 'VALI' && is21)) return 'qualified';
  if (status.code === 'VALI' || status.code === 'RECUP') return 'partial';
  return 'provisional';
}

/** Whether what `a` says about strict traits may replace what `b` says. */
export function isAtLeast(a: Reliability, b: Reliability): boolean {
  return order.indexOf(a) >= order.indexOf(b);
}

/** The best reliability a Patient claims. */
export function patientReliability(patient: Patient): Reliability {
  const found = reliabilityExtensions(patient).map((extension) => reliabilityOf(statusOf(extension)));
  return found.reduce((best, one) => (isAtLeast(one, best) ? one : best), 'none' as Reliability);
}

/** The claim's statuses, each with the version of its code system, then the known ones of other versions. */
export function reconcileReliability(known: Patient, claim: Patient): Extension[] {
  const said = reliabilityExtensions(claim).map(withVersion);
  const systems = new Set(said.map((extension) => statusOf(extension)?.system));
  return [...said, ...reliabilityExtensions(known).filter((extension) => !systems.has(statusOf(extension)?.system))];
}

/** Writes down which version a status belongs to, when its system tells and the source did not. */
export function withVersion(extension: Extension): Extension {
  return {
    ...extension,
    extension: extension.extension?.map((part) => {
      const coding = part.valueCoding;
      if (part.url !== 'identityStatus' || !coding || coding.version || !versions[coding.system ?? '']) return part;
      return { ...part, valueCoding: { ...coding, version: versionOf(coding) } };
    }),
  };
}

/** What a record says of the reliability of its identity, one extension for each version of the code system. */
export function reliabilityExtensions(patient: Patient): Extension[] {
  return (patient.extension ?? []).filter((extension) => extension.url === RELIABILITY);
}

function statusOf(extension: Extension): Coding | undefined {
  return extension.extension?.find((part) => part.url === 'identityStatus')?.valueCoding;
}

/** The version the source wrote, else that of the code system; an unknown system is read as HL7 v2 writes it. */
function versionOf(status: Coding): string {
  return status.version ?? versions[status.system ?? ''] ?? '2.1.0';
}
