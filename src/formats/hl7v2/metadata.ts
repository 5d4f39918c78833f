/**
 * The orders of a document's sender: metadata OBX and PRT of the CI-SIS "Transmission de documents CDA en HL7 v2", with the
 * names and shapes that its versions 1.2 to 2.1 used.
 */
import { type Flag, flagNamed } from './flags.ts';
import { say } from './ready.ts';
import type { Metadata, Participation, Segment } from './tree.ts';

/** Said twice, these stay hidden: no later segment shows again what one has hidden. */
const hiding = new Set<Flag>(['MASQUE_PS', 'INVISIBLE_PATIENT', 'INVISIBLE_REP_LEGAUX']);

/** Reads an OBX of the metadata into `metadata`; false when it is none. */
export function metadataOf(segment: Segment, metadata: Metadata): boolean {
  const name = segment.f3?.[0]?.c1?.s1?.trim().toUpperCase() ?? '';
  if (name === 'CORPSMAIL_PS' || name === 'CORPSMAIL_PATIENT') {
    const text = segment.payload?.text ?? segment.valueString;
    if (text !== undefined) metadata[name] = text;
    return true;
  }
  const flag = flagNamed(name);
  if (!flag) return mailOf(segment, metadata) || name === 'COMP_LOT';
  const answer = say(segment.f5?.[0]?.c1)?.toUpperCase();
  if (answer === 'Y' || answer === 'O') metadata[flag] = true;
  else if (answer === 'N' && !(hiding.has(flag) && metadata[flag])) metadata[flag] = false;
  return true;
}

/** The mail a document came with: OBX-3 is its Message-ID and its subject (`XDM/1.0/DDM+…`), the payload its words. */
function mailOf(segment: Segment, metadata: Metadata): boolean {
  const [name] = segment.f3 ?? [];
  const subject = say(name?.c2);
  const body = segment.payload?.part === undefined ? segment.payload?.text : undefined;
  if (body === undefined || !subject?.toUpperCase().startsWith('XDM/1.0')) return false;
  const id = say(name?.c1);
  metadata.MAIL = { ...(id ? { id } : {}), subject, body };
  return true;
}

/** A PRT in words. The mailbox is where the sender put it in PRT-15: component 4, else the first text with an `@`. */
export function participationOf(segment: Segment): Participation {
  const person = segment.f5?.[0]?.person;
  const organization = (segment.f8?.[0] ?? segment.f7?.[0])?.organization;
  const mail = segment.f15?.[0]?.telecom;
  return {
    role: say(segment.f4?.[0]?.c1)?.toUpperCase() ?? '',
    ...(person
      ? {
          person: {
            ...(person.identifier[0] ? { identifier: person.identifier[0] } : {}),
            ...(person.name?.family ? { family: person.name.family } : {}),
            ...(person.name?.given?.[0] ? { given: person.name.given[0] } : {}),
          },
        }
      : {}),
    ...(organization
      ? {
          organization: {
            ...(organization.identifier[0] ? { identifier: organization.identifier[0] } : {}),
            ...(organization.name ? { name: organization.name } : {}),
          },
        }
      : {}),
    ...(mail?.system === 'email' && mail.value ? { mail: mail.value } : {}),
  };
}
