/**
 * French national identifiers of professionals and structures, as every reader offers them: the prefixed national id
 * (IDNPS, IDNST: TRE_G08, TRE_G07) first, then the number it contains under its own system.
 */
import type { Identifier } from '@medplum/fhirtypes';

/** National number of a professional, its kind digit in front (ANS, IDNPS). */
export const IDNPS = 'urn:oid:1.2.250.1.71.4.2.1';
/** National number of a structure, its kind digit in front (ANS, IDNST). */
export const IDNST = 'urn:oid:1.2.250.1.71.4.2.2';
/** FR Core's system of the bare RPPS number. */
export const RPPS = 'https://rpps.esante.gouv.fr';
/** FR Core's system of the bare FINESS number. */
export const FINESS = 'https://finess.esante.gouv.fr';
/** FR Core's system of SIREN and SIRET numbers. */
export const SIRENE = 'https://sirene.fr';
/** FR Core's extension of table 0203. */
export const IDENTIFIER_TYPES = 'https://hl7.fr/ig/fhir/core/CodeSystem/fr-core-cs-v2-0203';

/**
 * Identifiers of a professional named by `value` in `system`. An IDNPS is a kind digit and a number (8 + RPPS); senders also
 * write the bare eleven digits of the RPPS there. Other systems pass through.
 */
export function professionalIdentifiers(system: string | undefined, value: string, type?: string): Identifier[] {
  const number = value.replace(/\s+/g, '');
  if (number === '') return [];
  const bare = /^\d{11}$/.test(number) && (system === IDNPS || system === RPPS || (!system && type === 'RPPS'));
  if (bare) return [typed(IDNPS, `8${number}`, 'IDNPS'), typed(RPPS, number, 'RPPS')];
  if (system === IDNPS && /^8\d{11}$/.test(number)) {
    return [typed(IDNPS, number, 'IDNPS'), typed(RPPS, number.slice(1), 'RPPS')];
  }
  if (system === IDNPS) return [typed(IDNPS, number, 'IDNPS')];
  return [{ ...(system ? { system } : {}), value: value.trim() }];
}

/**
 * Identifiers of a structure named by `value` in `system`. An IDNST is a kind digit and a number (1 + FINESS, 2 + SIREN,
 * 3 + SIRET); with type FINEG or FINEJ senders also write the bare nine characters of the FINESS there.
 */
export function structureIdentifiers(system: string | undefined, value: string, type?: string): Identifier[] {
  const number = value.replace(/\s+/g, '');
  if (number === '') return [];
  const finess = type === 'FINEG' || type === 'FINEJ';
  if ((system === IDNST || system === FINESS || finess) && /^\d[\dAB]\d{7}$/.test(number)) {
    return [typed(IDNST, `1${number}`, 'IDNST'), typed(FINESS, number, finess ? type : undefined)];
  }
  if (system !== IDNST && !finess) return [{ ...(system ? { system } : {}), value: value.trim() }];
  const national = typed(IDNST, number, 'IDNST');
  if (/^1\d[\dAB]\d{7}$/.test(number)) return [national, typed(FINESS, number.slice(1), finess ? type : undefined)];
  if (/^2\d{9}$/.test(number)) return [national, typed(SIRENE, number.slice(1), 'SIREN')];
  if (/^3\d{14}$/.test(number)) return [national, typed(SIRENE, number.slice(1), 'SIRET')];
  return [national];
}

function typed(system: string, value: string, code: string | undefined): Identifier {
  return { ...(code ? { type: { coding: [{ system: IDENTIFIER_TYPES, code }] } } : {}), system, value };
}
