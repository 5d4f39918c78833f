/** Names of places in a message: `PID-3[2].4.2`, `OBX[1]-5`. */
import type { Places } from '../../conversion.ts';
import { datatypesOf } from './dictionary.ts';
import { flagNamed } from './flags.ts';
import type { Hl7v2Tree, Repetition, Segment } from './tree.ts';

/** What a segment is called; kept in private slots so that the tree shows nothing but the message. */
class Called {
  readonly #name: string;
  readonly #place: string;

  constructor(name: string, place: string) {
    this.#name = name;
    this.#place = place;
  }

  static is(value: object): boolean {
    return #name in value;
  }

  static nameOf(segment: object): string {
    return #name in segment ? segment.#name : '';
  }

  static placeOf(segment: object): string {
    return #place in segment ? segment.#place : '';
  }
}

/** A segment without a field yet. */
export function emptySegment(name: string, place: string): Segment {
  return new Called(name, place) as object as Segment;
}

/** `OBX` of an OBX segment. */
export function segmentName(segment: Segment): string {
  return Called.nameOf(segment);
}

/** `PID`, `OBX[2]`. */
export function segmentPlace(segment: Segment): string {
  return Called.placeOf(segment);
}

/** Place of a repetition, counted from 0: the first is named like the field. */
export function repetitionPlace(field: string, index: number): string {
  return index === 0 ? field : `${field}[${index + 1}]`;
}

/** Where a reader is: a place that is only put into words when something is wrong there. */
export interface Where {
  /** `PID`, `OBX[2]`. */
  segment: string;
  field: number;
  /** From 0. */
  repetition: number;
}

/** `PID-3[2]`. */
export function placeAt({ segment, field, repetition }: Where): string {
  return repetitionPlace(`${segment}-${field}`, repetition);
}

/** Components that the parts of a FHIR-ready form come from, by form and property. */
const origins: Record<string, Record<string, string>> = {
  identifier: { value: '.1', system: '.4', period: '.7' },
  name: { family: '.1', given: '.2', suffix: '.4', prefix: '.5', period: '.12' },
  person: {
    identifier: '.1',
    value: '.1',
    system: '.1',
    type: '.1',
    coding: '.1',
    code: '.1',
    family: '.2',
    given: '.3',
    suffix: '.5',
    prefix: '.6',
  },
  organization: { name: '.1', identifier: '.10', value: '.10', system: '.10', type: '.10', coding: '.10', code: '.10' },
  address: { line: '.1', city: '.3', state: '.4', postalCode: '.5', country: '.6' },
  coded: { code: '.1', display: '.2', system: '.3', translations: '.4', text: '.9' },
  location: {
    unit: '.1',
    room: '.2',
    bed: '.3',
    facility: '.4',
    status: '.5',
    kind: '.6',
    building: '.7',
    floor: '.8',
    description: '.9',
  },
};
const single: Record<string, string> = { givenNames: '.3', insee: '.9' };

const header: Record<string, string> = {
  type: 'MSH-9.1',
  event: 'MSH-9.2',
  structure: 'MSH-9.3',
  controlId: 'MSH-10',
  processingId: 'MSH-11',
  version: 'MSH-12.1',
  application: 'MSH-3',
  facility: 'MSH-4',
  receivingApplication: 'MSH-5',
  receivingFacility: 'MSH-6',
  dateTime: 'MSH-7',
  profile: 'MSH-21',
};
const participant: Record<string, string> = { role: '-4.1', person: '-5.1', organization: '-8.10', mail: '-15.4' };
const named: Record<string, string> = { family: '-5.2', given: '-5.3', name: '-8.1' };
const observation: Record<string, string> = { referenceRange: '-7' };

/** The places of one tree, for traces, faults and accounts: a FHIR-ready form is named after the component it comes from. */
export function placesOf(tree: Hl7v2Tree): Places {
  return (path) => {
    const [first, second, third] = path;
    if (first === 'message') return header[String(second)] ?? 'MSH';
    if (first === 'metadata') return metadataPlace(tree, String(second), String(third));
    if (first === 'participation') {
      const prt = tree.PRT?.[Number(second)];
      return prt ? `${segmentPlace(prt)}${named[String(path[3])] ?? participant[String(third)] ?? ''}` : 'PRT';
    }
    return inSegment(tree, path);
  };
}

/** Places in the OBX of the mail a document came with. */
const ofMail: Record<string, string> = { id: '-3.1', subject: '-3.2' };

function metadataPlace(tree: Hl7v2Tree, flag: string, part: string): string {
  const found = tree.OBX?.find((obx) => {
    const [name] = obx.f3 ?? [];
    if (flag === 'MAIL') return name?.c2?.s1?.toUpperCase().startsWith('XDM/1.0');
    return name?.c1?.s1 === flag || flagNamed(name?.c1?.s1) === flag;
  });
  if (!found) return 'OBX';
  return segmentPlace(found) + (flag === 'MAIL' ? (ofMail[part] ?? '-5') : '-5');
}

function inSegment(tree: Hl7v2Tree, path: readonly (string | number)[]): string {
  let value: unknown = tree;
  for (let i = 0; i < path.length && value !== null && typeof value === 'object'; i++) {
    value = (value as Record<string | number, unknown>)[path[i]!];
    if (value !== null && typeof value === 'object' && Called.is(value)) {
      return segmentPlace(value as Segment) + inField(path.slice(i + 1), value as Segment);
    }
  }
  return String(path[0] ?? '');
}

function inField([field, repetition, ...rest]: readonly (string | number)[], segment: Segment): string {
  if (typeof field !== 'string') return '';
  const number = /^f(\d+)$/.exec(field)?.[1];
  if (number === undefined) return observation[field] ?? '-5';
  const place = repetitionPlace(`-${number}`, Number(repetition ?? 0));
  const [form, ...inside] = rest;
  const value = segment[field as 'f1']?.[Number(repetition ?? 0)];
  if (typeof form !== 'string' || !value) return place;
  // A repetition of one component is named without it, in whatever form it is read.
  if (value.text !== undefined) return place;
  const component = /^c(\d+)$/.exec(form)?.[1];
  if (component !== undefined) return place + inComponent(component, inside[0]);
  if (Object.hasOwn(single, form)) return place + single[form];
  if (form === 'telecom') return place + (inside.at(-1) === 'system' ? '.3' : dialled(value));
  if (!Object.hasOwn(origins, form)) return place;
  if (form === 'identifier' && inside[0] === 'system' && datatypesOf(segmentName(segment))[Number(number)] === 'EI') {
    return `${place}.${value.c3 ? 3 : 2}`;
  }
  if (form === 'location' && (inside[0] === 'identifier' || inside[0] === 'text')) return place;
  const property = inside.findLast((step) => typeof step === 'string' && Object.hasOwn(origins[form]!, step));
  return property === undefined ? place : place + origins[form]![property];
}

/** Where the sender put what can be dialled or written to. */
function dialled(value: Repetition): string {
  return value.c4 ? '.4' : value.c12 ? '.12' : value.c1 ? '.1' : '.7';
}

function inComponent(component: string, subcomponent: string | number | undefined): string {
  const number = /^s(\d+)$/.exec(String(subcomponent ?? ''))?.[1];
  return `.${component}${number === undefined || number === '1' ? '' : `.${number}`}`;
}
