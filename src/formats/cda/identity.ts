import type { CodeableConcept, HumanName, Identifier } from '@medplum/fhirtypes';
import type { CdaTree } from './tree.ts';

/** What a document says about itself and its patient: enough to compare it with the message that carries it. */
export interface CdaIdentity {
  /** As a FHIR Patient would carry them. */
  patient: {
    identifier: Identifier[];
    name: HumanName[];
    birthDate?: string;
    gender?: 'male' | 'female' | 'other' | 'unknown';
    /** INSEE code of the birth place. */
    birthPlace?: string;
  };
  document: {
    id?: Identifier;
    setId?: Identifier;
    versionNumber?: number;
    type?: CodeableConcept;
    /** FHIR dateTime. */
    date?: string;
    /** Documents this one replaces (RPLC), appends to (APND) or transforms (XFRM). */
    related: { typeCode: string; id: Identifier[]; setId?: Identifier; versionNumber?: number }[];
  };
}

const genders: Record<string, CdaIdentity['patient']['gender']> = {
  M: 'male',
  F: 'female',
  UN: 'unknown',
  U: 'unknown',
};

/** Reads identity out of a tree; cheap, nothing is decoded again. */
export function identity(tree: CdaTree): CdaIdentity {
  const role = tree.recordTarget?.[0]?.patientRole;
  const patient = role?.patient;
  const code = patient?.administrativeGenderCode?.coding?.[0]?.code;
  const place = patient?.birthplace as { place?: { addr?: { district?: string }[] } } | undefined;
  const birthPlace = place?.place?.addr?.[0]?.district;
  return {
    patient: {
      identifier: role?.id ?? [],
      name: patient?.name ?? [],
      ...(patient?.birthTime ? { birthDate: patient.birthTime.slice(0, 10) } : {}),
      ...(code && Object.hasOwn(genders, code) ? { gender: genders[code] } : {}),
      ...(birthPlace ? { birthPlace } : {}),
    },
    document: {
      ...(tree.id ? { id: tree.id } : {}),
      ...(tree.setId ? { setId: tree.setId } : {}),
      ...(tree.versionNumber === undefined ? {} : { versionNumber: tree.versionNumber }),
      ...(tree.code ? { type: tree.code } : {}),
      ...(tree.effectiveTime ? { date: tree.effectiveTime } : {}),
      related: (tree.relatedDocument ?? []).map((one) => ({
        typeCode: one.typeCode ?? '',
        id: one.parentDocument?.id ?? [],
        ...(one.parentDocument?.setId ? { setId: one.parentDocument.setId } : {}),
        ...(one.parentDocument?.versionNumber === undefined ? {} : { versionNumber: one.parentDocument.versionNumber }),
      })),
    },
  };
}

/**
 * One text for the identifier of a document however it is written: `root^extension` (HL7 v2 EI, XDS), `root.extension`
 * (XDS uniqueId flattened), `urn:oid:…`, a FHIR Identifier, a bare root. UUIDs are compared without case.
 */
export function documentKey(id: Identifier | string): string {
  const written =
    typeof id === 'string'
      ? id
      : id.system && id.system !== 'urn:ietf:rfc:3986'
        ? `${id.system}^${id.value}`
        : (id.value ?? '');
  const [root = '', extension = ''] = written.split('^').map((part) => part.trim().replace(/^urn:(oid|uuid):/i, ''));
  const key = extension ? `${root}.${extension}` : root;
  return /^[0-9a-f]{8}-/i.test(key) ? key.toLowerCase() : key;
}

/** True when both name the same document, see {@link documentKey}. */
export function sameDocument(a: Identifier | string, b: Identifier | string): boolean {
  const key = documentKey(a);
  return key !== '' && key === documentKey(b);
}
