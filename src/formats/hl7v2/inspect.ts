/** What decides the acknowledgement of a message: cheap checks over the tree, before anything is converted. */
import type { Patient } from '@medplum/fhirtypes';
import { type Fault, fault, register, warning } from '../../errors.ts';
import { claims, kind } from './header.ts';
import { inspectDocuments } from './inspect-document.ts';
import { type InspectedDocument, type InspectOptions, missing, missingSegment } from './inspection.ts';
import { say } from './ready.ts';
import type { Hl7v2Tree } from './tree.ts';

/**
 * Events that are taken, by message type. Events with a visit need PV1. Of ADT these are the movements of ITI-31 with all its
 * options and the identity feed of ITI-30 as PAM.fr 2.11 has them, but for A37 and A44, which take a record apart.
 */
const movementEvents =
  'A01 A02 A03 A04 A05 A06 A07 A09 A10 A11 A12 A13 A14 A15 A16 A21 A22 A25 A26 A27 A32 A33 A38 A52 A53 A54 A55 Z99';
const events: Record<string, { all: string; visit?: string }> = {
  ADT: {
    all: `${movementEvents} A08 A24 A28 A31 A40 A47`,
    visit: movementEvents,
  },
  MDM: { all: 'T02 T04 T10' },
  ORU: { all: 'R01' },
  ZAM: { all: 'Z01 Z02 Z03' },
};
const TYPES = Object.keys(events).join(', ');
const taken = new Map(Object.entries(events).map(([type, { all }]) => [type, new Set(all.split(' '))]));
const movements = new Set(events.ADT!.visit!.split(' '));

/**
 * All faults of a message, worst first. `documents` are the embedded documents that could be read as CDA, by place. An
 * error refuses the message with the acknowledgement its register entry says; warnings are kept with it.
 */
export function inspect(tree: Hl7v2Tree, documents: InspectedDocument[] = [], options: InspectOptions = {}): Fault[] {
  if (tree.raw.segments.length === 0) return [];
  const faults = [...header(tree), ...charsetFault(tree)];
  // Of an event that is not taken nobody knows what it must carry: advice about its segments would be wrong.
  if (isTaken(tree) && tree.message.type !== 'ZAM') {
    faults.push(...patient(tree), ...visit(tree), ...merge(tree), ...result(tree));
    faults.push(...inspectDocuments({ tree, documents, options }));
  }
  return faults.sort((a, b) => rank(a) - rank(b));
}

function isTaken({ message }: Hl7v2Tree): boolean {
  return taken.get(message.type)?.has(message.event) ?? false;
}

/** Worst first: a refusal by circumstances (AR: another patient, an unsupported event) outweighs content at fault (AE). */
function rank(one: Fault): number {
  if (one.severity !== 'error') return 2;
  return register[one.code].msa === 'AR' ? 0 : 1;
}

const required = [3, 4, 5, 6, 7, 9, 10, 11, 12].map((number) => [`f${number}`, number] as const);

/** MSH: the fields the French profiles require, and the codes that decide whether the message is taken at all. */
function header(tree: Hl7v2Tree): Fault[] {
  const { type, event, processingId, version } = tree.message;
  const faults: Fault[] = [];
  for (const [name, number] of required) {
    if (say(tree.MSH[0]?.[name]?.[0]?.c1) === undefined) faults.push(missing('MSH', number));
  }
  if (type !== '' && !Object.hasOwn(events, type)) {
    faults.push(fault('hl7-message-type', { place: 'MSH-9.1', params: { type: shown(type), accepted: TYPES } }));
  } else if (type !== '' && !isTaken(tree)) {
    const params = { type, event: shown(event), accepted: events[type]!.all };
    faults.push(fault('hl7-event', { place: 'MSH-9.2', params }));
  }
  if (processingId && !/^[PTD]$/.test(processingId)) faults.push(fault('hl7-processing-id', { place: 'MSH-11' }));
  if (version && !/^2\.[1-9](\.\d)?$/.test(version)) faults.push(fault('hl7-version', { place: 'MSH-12' }));
  return faults;
}

/** A set nobody knows is refused even when the message has plain letters only: the next one would lose its accents. */
function charsetFault(tree: Hl7v2Tree): Fault[] {
  return tree.raw.charset.unknown ? [fault('hl7-charset-unknown', { place: 'MSH-18' })] : [];
}

function patient(tree: Hl7v2Tree): Fault[] {
  const pid = tree.PID?.[0];
  if (!pid) return [missingSegment('PID')];
  const faults: Fault[] = [];
  if (!pid.f3?.some((one) => one.identifier)) faults.push(missing('PID', 3));
  if (!pid.f5?.some((one) => one.name)) faults.push(missing('PID', 5));
  const most = kind(tree) === 'ADT^A24' ? 2 : 1;
  if (tree.PID.length > most) {
    const params = { what: 'PID', found: tree.PID.length, allowed: most };
    faults.push(fault('hl7-cardinality', { place: `PID[${most + 1}]`, params }));
  }
  return [...faults, ...insFaults(claims(tree))];
}

const INS = /^urn:oid:1\.2\.250\.1\.213\.1\.4\.(8|9|10|11)$/;

function insFaults(who: Patient): Fault[] {
  const place = 'PID-3';
  if (!who.identifier?.length) return [];
  if (!who.identifier.some((one) => INS.test(one.system ?? ''))) return [warning('ins-missing', { place })];
  const birth = who.name?.find((one) => one.use === 'official');
  const lacking = [
    birth?.family ? '' : 'PID-5.1',
    birth?.given ? '' : 'PID-5.2',
    who.birthDate ? '' : 'PID-7',
    who.gender ? '' : 'PID-8',
    who.extension ? '' : 'PID-11 BDL',
  ].filter((one) => one !== '');
  return lacking.length === 0
    ? []
    : [warning('ins-traits-missing', { place, params: { elements: lacking.join(', ') } })];
}

/** PV1: required by movements and by documents; the visit number when the class is a real stay. */
function visit(tree: Hl7v2Tree): Fault[] {
  const { type, event } = tree.message;
  const isMovement = type === 'ADT' && movements.has(event);
  const isDocument = type === 'MDM' || tree.document.length > 0;
  if (!isMovement && !isDocument) return [];
  const pv1 = tree.PV1?.[0];
  if (!pv1) return [missingSegment('PV1')];
  const patientClass = say(pv1.f2?.[0]?.c1);
  if (patientClass === undefined) return [missing('PV1', 2)];
  const needed = isMovement || ['E', 'I', 'O', 'R'].includes(patientClass);
  const account = isMovement ? tree.PID?.[0]?.f18?.[0]?.identifier : undefined;
  return needed && !pv1.f19?.[0]?.identifier && !account ? [missing('PV1', 19)] : [];
}

function merge(tree: Hl7v2Tree): Fault[] {
  if (kind(tree) === 'ADT^A40' || kind(tree) === 'ADT^A47') {
    if (!tree.MRG?.[0]) return [missingSegment('MRG')];
    return tree.MRG[0].f1?.some((one) => one.identifier) ? [] : [missing('MRG', 1)];
  }
  return kind(tree) === 'ADT^A24' && tree.PID?.length !== 2 ? [missingSegment('PID[2]')] : [];
}

/** ORU without a document: the results of a laboratory. */
function result(tree: Hl7v2Tree): Fault[] {
  if (tree.message.type !== 'ORU' || tree.document.length > 0) return [];
  if (!tree.OBR?.length) return [missingSegment('OBR')];
  return tree.OBX?.length ? [] : [missingSegment('OBX')];
}

/** A code may be told back; anything longer is not a code. */
const shown = (code: string): string => (/^[A-Z0-9_]{1,12}$/.test(code) ? code : '?');
