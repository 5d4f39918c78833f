/** Checks of messages that carry documents: CI-SIS "Transmission de documents CDA en HL7 v2" and "… aux LPS". */
import type { Identifier } from '@medplum/fhirtypes';
import { type Fault, fault, warning } from '../../errors.ts';
import { documentTypes } from './document-types.ts';
import { claims } from './header.ts';
import { type InspectedDocument, type Inspection, missing, missingSegment } from './inspection.ts';
import { segmentPlace } from './place.ts';
import { isObsolete } from './profile.ts';
import { say } from './ready.ts';
import type { DocumentGroup, Hl7v2Tree, Metadata } from './tree.ts';

/** The profile allows two; senders of whole files are told to split them. */
const MOST_DOCUMENTS = 50;

/** Whether the documents of a message are there, readable, of a known type, and about its patient. */
export function inspectDocuments({ tree, documents, options }: Inspection): Fault[] {
  const expected = tree.message.type === 'MDM' || Object.keys(tree.metadata).length > 0;
  if (!expected && tree.document.length === 0) return [];
  const faults: Fault[] = [];
  if (tree.document.length === 0) {
    faults.push(fault('payload-missing', { place: tree.OBX?.[0] ? `${segmentPlace(tree.OBX[0])}-5` : 'OBX' }));
  }
  if (tree.message.type === 'MDM') faults.push(...mdm(tree));
  if (tree.document.length > MOST_DOCUMENTS) {
    return [
      ...faults,
      fault('hl7-too-complex', { place: 'OBX', params: { limit: MOST_DOCUMENTS, what: 'documents' } }),
    ];
  }
  for (const group of tree.document) {
    const place = `${segmentPlace(group.OBX[0]!)}-5`;
    const inside = documents.find((one) => one.place === place);
    faults.push(...orderFaults(tree, group), ...typeFaults(group, inside, options.documentTypes));
    if (!inside) {
      faults.push(fault('payload-not-cda', { place }));
      continue;
    }
    faults.push(...idFaults(tree, group, inside));
    if (inside.patient && options.sameIdentity) {
      faults.push(...options.sameIdentity(claims(tree), inside.patient, ['PID', place]).faults);
    }
  }
  return [...faults, ...combination(tree.metadata, options.strictMss ?? false)];
}

function mdm(tree: Hl7v2Tree): Fault[] {
  const txa = tree.TXA?.[0];
  if (!txa) return [missingSegment('TXA')];
  const faults = [2, 12]
    .filter((number) => say(txa[`f${number}`]?.[0]?.c1) === undefined)
    .map((number) => missing('TXA', number));
  if (tree.message.event === 'T10' && say(txa.f13?.[0]?.c1) === undefined) faults.push(missing('TXA', 13));
  const status = say(txa.f17?.[0]?.c1);
  const params = { field: 'TXA-17', accepted: 'AU' };
  if (status === 'LA') faults.push(warning('hl7-profile-obsolete', { place: 'TXA-17', params: { field: 'TXA-17' } }));
  else if (status !== 'AU') faults.push(fault('hl7-table-value', { place: 'TXA-17', params }));
  if (tree.document.length > 1) {
    faults.push(
      fault('hl7-cardinality', { place: 'OBX', params: { what: 'OBX ED', found: tree.document.length, allowed: 1 } }),
    );
  }
  return faults;
}

const byEvent: Record<string, string> = { T02: 'new', T10: 'replace', T04: 'withdraw' };
const byControl: Record<string, string> = { NW: 'new', RO: 'replace', CA: 'withdraw' };
const byStatus: Record<string, string> = { F: 'new', C: 'replace', D: 'withdraw' };

/** The event, ORC-1 and OBX-11 must say the same; older versions of the profile wrote SC in ORC-1. */
function orderFaults(tree: Hl7v2Tree, group: DocumentGroup): Fault[] {
  const obx = segmentPlace(group.OBX[0]!);
  const status = say(group.OBX[0]!.f11?.[0]?.c1);
  if (status === undefined) return [missing(obx, 11)];
  if (!Object.hasOwn(byStatus, status)) {
    return [fault('hl7-table-value', { place: `${obx}-11`, params: { field: 'OBX-11', accepted: 'F, C, D' } })];
  }
  const faults: Fault[] = [];
  const said: [string, string, string][] = [['OBX-11', status, byStatus[status]!]];
  if (Object.hasOwn(byEvent, tree.message.event))
    said.push(['MSH-9', tree.message.event, byEvent[tree.message.event]!]);
  const control = say(group.ORC[0]?.f1?.[0]?.c1);
  if (control !== undefined && Object.hasOwn(byControl, control)) said.push(['ORC-1', control, byControl[control]!]);
  else if (control === 'SC' && isObsolete(tree)) {
    faults.push(warning('hl7-profile-obsolete', { place: 'ORC-1', params: { field: 'ORC-1' } }));
  } else if (control !== undefined) {
    return [fault('hl7-table-value', { place: 'ORC-1', params: { field: 'ORC-1', accepted: 'NW, RO, CA' } })];
  }
  if (new Set(said.map((one) => one[2])).size === 1) return faults;
  const told = said.map(([field, value]) => `${field} ${value}`).join(', ');
  return [...faults, fault('hl7-order-inconsistent', { place: `${obx}-11`, params: { said: told } })];
}

function typeFaults(
  group: DocumentGroup,
  inside: InspectedDocument | undefined,
  more: ReadonlySet<string> | undefined,
): Fault[] {
  const obx = segmentPlace(group.OBX[0]!);
  const said: [string, string | undefined][] = [
    ['TXA-2', say(group.TXA[0]?.f2?.[0]?.c1)],
    [`${obx}-3`, say(group.OBX[0]!.f3?.[0]?.c1)],
  ];
  const faults = said.flatMap(([place, code]) =>
    code === undefined || documentTypes.has(code) || more?.has(code)
      ? []
      : [fault('document-type-unknown', { place, params: { code: /^[\w.-]{1,40}$/.test(code) ? code : '?' } })],
  );
  said.push(['OBR-4', say(group.OBR[0]?.f4?.[0]?.c1)], ['ClinicalDocument/code', inside?.type]);
  const given = said.filter(([, code]) => code !== undefined);
  if (faults.length === 0 && new Set(given.map(([, code]) => code)).size > 1) {
    const fields = given.map(([field]) => field).join(', ');
    faults.push(warning('document-type-differs', { place: given[0]![0], params: { fields } }));
  }
  return faults;
}

/** TXA-12 names the document inside; the parent that is replaced is named by TXA-13, by the document, or by both alike. */
function idFaults(tree: Hl7v2Tree, group: DocumentGroup, inside: InspectedDocument): Fault[] {
  const faults: Fault[] = [];
  const txa = group.TXA[0];
  const stated = say(txa?.f12?.[0]?.c1);
  if (stated !== undefined && inside.id && !namesDocument(txa!.f12![0]!.identifier, stated, inside.id)) {
    const found = { place: 'TXA-12', params: { field: 'TXA-12' } };
    faults.push(isObsolete(tree) ? warning('document-id-differs', found) : fault('document-id-differs', found));
  }
  if (group.event !== 'replace') return faults;
  const parent = say(txa?.f13?.[0]?.c1);
  const replaced = inside.replaces ?? [];
  if (replaced.length === 0 && parent === undefined) {
    faults.push(fault('document-parent-missing', { place: inside.place }));
  } else if (replaced.length === 0) {
    faults.push(warning('document-parent-missing', { place: inside.place }));
  } else if (parent !== undefined && !replaced.some((one) => namesDocument(txa!.f13![0]!.identifier, parent, one))) {
    faults.push(warning('document-parent-differs', { place: 'TXA-13' }));
  }
  return faults;
}

/**
 * Whether an EI names a document: the same identifier, or its first component is the document's root, or root and extension
 * glued with a dot, as senders write them.
 */
export function namesDocument(entity: Identifier | undefined, written: string, document: Identifier): boolean {
  if (entity?.value === document.value && entity?.system === document.system) return true;
  return flat(document) === written.replace(/^urn:oid:/, '').trim();
}

/** `urn:oid:ROOT` + `EXT` → `ROOT.EXT`; a root alone → itself. */
function flat(identifier: Identifier): string {
  const value = (identifier.value ?? '').replace(/^urn:(oid|uuid):/, '');
  const root = identifier.system?.startsWith('urn:oid:') ? identifier.system.slice('urn:oid:'.length) : '';
  return root === '' ? value : `${root}.${value}`;
}

type Flags = [keyof Metadata, boolean | undefined][];

/** The published combinations of visibility and MSSanté destinations; what a row does not name may be anything. */
const rows: Flags[] = [
  [
    ['MASQUE_PS', false],
    ['INVISIBLE_PATIENT', false],
    ['INVISIBLE_REP_LEGAUX', false],
    ['DESTMSSANTEPS', true],
    ['DESTMSSANTEPAT', true],
  ],
  [
    ['MASQUE_PS', false],
    ['INVISIBLE_PATIENT', true],
    ['INVISIBLE_REP_LEGAUX', false],
    ['DESTMSSANTEPS', true],
    ['DESTMSSANTEPAT', false],
  ],
  [
    ['INVISIBLE_PATIENT', false],
    ['CONNEXION_SECRETE', false],
    ['DESTDMP', false],
    ['DESTMSSANTEPS', false],
    ['DESTMSSANTEPAT', true],
  ],
];

function combination(metadata: Metadata, strict: boolean): Fault[] {
  if (!metadata.DESTMSSANTEPS && !metadata.DESTMSSANTEPAT) return [];
  const allowed = rows.some((row) => row.every(([flag, value]) => (metadata[flag] ?? false) === value));
  if (allowed) return [];
  return [strict ? fault('mss-combination', { place: 'OBX' }) : warning('mss-combination', { place: 'OBX' })];
}
