/** Names of the CI-SIS metadata flags (OBX-3.1) in the versions of the profile. */
import type { Metadata } from './tree.ts';

/** Metadata of the CDA-in-HL7-v2 profile that are answered by yes or no. */
export type Flag = Exclude<keyof Metadata, 'FIN' | 'CORPSMAIL_PS' | 'CORPSMAIL_PATIENT' | 'MAIL'>;

const flags: Record<string, Flag> = {
  MASQUE_PS: 'MASQUE_PS',
  INVISIBLE_PATIENT: 'INVISIBLE_PATIENT',
  INVISIBLE_REP_LEGAUX: 'INVISIBLE_REP_LEGAUX',
  INVISIBLE_REPRESENTANTS_LEGAUX: 'INVISIBLE_REP_LEGAUX',
  CONNEXION_SECRETE: 'CONNEXION_SECRETE',
  MODIF_CONF_CODE: 'MODIF_CONF_CODE',
  MODIF_CONFIDENTIALITYCODE: 'MODIF_CONF_CODE',
  DESTDMP: 'DESTDMP',
  DESTMSSANTEPS: 'DESTMSSANTEPS',
  DESTMSSANTEPAT: 'DESTMSSANTEPAT',
  ACK_RECEPTION: 'ACK_RECEPTION',
  ACK_LECTURE: 'ACK_LECTURE_MSS',
  ACK_LECTURE_MSS: 'ACK_LECTURE_MSS',
};

/** The flag an OBX-3.1 names, by its name in version 2.1; undefined when it is none. */
export function flagNamed(name: string | undefined): Flag | undefined {
  const key = name?.trim().toUpperCase() ?? '';
  return Object.hasOwn(flags, key) ? flags[key] : undefined;
}
