/** The FHIR-ready form of each datatype, put beside the components. https://hl7.org/fhir/uv/v2mappings/ */
import type { Address, ContactPoint, HumanName, Identifier, Period } from '@medplum/fhirtypes';
import { type Fault, warning } from '../../errors.ts';
import { hl7Date } from '../dates.ts';
import { professionalIdentifiers, structureIdentifiers } from '../national.ts';
import { identifierOf, isOid, localSystem, systemUri } from '../systems.ts';
import { codedOf } from './coded.ts';
import type { Datatype } from './dictionary.ts';
import { placeAt, type Where } from './place.ts';
import type { Component, PersonLocation, Repetition } from './tree.ts';

/** HL7's explicit null: the sender wants the value removed. It is kept as text and never becomes a FHIR value. */
export const NULL = '""';

/** Adds the form that belongs to the datatype; a value that has none adds nothing. */
export function ready(type: Datatype, value: Repetition, where: Where, faults: Fault[]): void {
  switch (type) {
    case 'TS':
      date(value, where, faults);
      break;
    case 'CX':
      assign(value, 'identifier', identifier(value, where, faults));
      break;
    case 'EI':
      assign(value, 'identifier', entity(value));
      break;
    case 'HD':
      assign(value, 'system', authority(say(value.c1), say(value.c2)));
      break;
    case 'XPN':
      name(value);
      break;
    case 'XCN':
      person(value);
      break;
    case 'XON':
      organization(value);
      break;
    case 'XAD':
      address(value);
      break;
    case 'XTN':
      assign(value, 'telecom', telecom(value));
      break;
    case 'CWE':
      assign(value, 'coded', codedOf(value));
      break;
    case 'PL':
      assign(value, 'location', location(value));
      break;
  }
}

function assign<K extends keyof Repetition>(value: Repetition, key: K, form: Repetition[K] | undefined): void {
  if (form !== undefined) value[key] = form;
}

/** First sub-component (or another) as trimmed text; undefined when empty or the explicit null. */
export function say(component: Component | undefined, number = 1): string | undefined {
  const text = (number === 1 ? component?.s1 : component?.[`s${number}`])?.trim();
  return text === '' || text === NULL ? undefined : text;
}

/**
 * URI of an assigning authority (HD): its OID, UUID or URI; else a local system made of name and number together, because a
 * name alone (`GAM`) may be used by several hospitals and must never make two patients one.
 */
export function authority(namespace: string | undefined, universal?: string): string | undefined {
  const id = universal?.replace(/\s+/g, '');
  if (id && (isOid(id) || /^(urn:|https?:)/i.test(id))) return systemUri(id);
  if (namespace && isOid(namespace)) return systemUri(namespace);
  if (namespace && id) return localSystem(`${namespace}.${id}`);
  return namespace || id ? systemUri((namespace ?? id)!) : undefined;
}

const authorityOf = (component: Component | undefined): string | undefined =>
  authority(say(component, 1), say(component, 2));

function date(value: Repetition, where: Where, faults: Fault[]): void {
  const written = say(value.c1);
  if (written === undefined) return;
  const read = hl7Date(written);
  if (!read) {
    faults.push(warning('hl7-date-invalid', { place: placeAt(where) }));
    return;
  }
  value.dateTime = read.value;
  value.date = read.value.slice(0, 10);
}

function period(from: Component | undefined, to: Component | undefined): Period | undefined {
  const start = from && hl7Date(say(from) ?? '')?.value;
  const end = to && hl7Date(say(to) ?? '')?.value;
  return start || end ? { ...(start ? { start } : {}), ...(end ? { end } : {}) } : undefined;
}

function identifier(value: Repetition, where: Where, faults: Fault[]): Identifier | undefined {
  const number = say(value.c1);
  if (!number) return undefined;
  const system = authorityOf(value.c4);
  const valid = period(value.c7, value.c8);
  if (value.c7 && !valid?.start && say(value.c7))
    faults.push(warning('hl7-date-invalid', { place: `${placeAt(where)}.7` }));
  if (value.c8 && !valid?.end && say(value.c8))
    faults.push(warning('hl7-date-invalid', { place: `${placeAt(where)}.8` }));
  return { ...(system ? { system } : {}), value: number, ...(valid ? { period: valid } : {}) };
}

/**
 * EI, and the document ids that French senders write in it: `root`, `ext^^root^ISO`, `root^Organisation` (the second component
 * is then no authority), or `root.ext` glued together.
 */
function entity(value: Repetition): Identifier | undefined {
  const id = say(value.c1);
  if (!id) return undefined;
  const universal = say(value.c3);
  if (universal) return { system: authority(say(value.c2), universal)!, value: id };
  if (isOid(id)) return identifierOf(id);
  const namespace = say(value.c2);
  const glued = /^([0-2](?:\.\d+){3,})\.([A-Za-z]\w*)$/.exec(id);
  if (glued && isOid(glued[1]!)) return identifierOf(glued[1], glued[2]);
  return namespace ? { system: authority(namespace)!, value: id } : { value: id };
}

function name(value: Repetition): void {
  const form = humanName(value, value.c1, value.c2, value.c4, value.c5);
  if (!form) return;
  const valid = period(value.c12, value.c13);
  value.name = valid ? { ...form, period: valid } : form;
  assign(value, 'givenNames', say(value.c3));
}

function humanName(
  value: Repetition,
  family: Component | undefined,
  given: Component | undefined,
  suffix: Component | undefined,
  prefix: Component | undefined,
): HumanName | undefined {
  const form: HumanName = {};
  const surname = say(family);
  if (surname) form.family = surname;
  const first = say(given);
  if (first) form.given = [first];
  if (!surname && !first) return undefined;
  const before = say(prefix);
  if (before) form.prefix = [before];
  const after = [say(suffix), value.c6 && suffix === value.c4 ? say(value.c6) : undefined].filter(
    (one) => one !== undefined,
  );
  if (after.length > 0) form.suffix = after;
  return form;
}

function person(value: Repetition): void {
  const number = say(value.c1);
  const identifiers = number ? professionalIdentifiers(authorityOf(value.c9), number, say(value.c13)) : [];
  const form = humanName({}, value.c2, value.c3, value.c5, value.c6);
  if (identifiers.length > 0 || form) value.person = { identifier: identifiers, ...(form ? { name: form } : {}) };
}

function organization(value: Repetition): void {
  const number = say(value.c10) ?? say(value.c3);
  const label = say(value.c1);
  const identifiers = number ? structureIdentifiers(authorityOf(value.c6), number, say(value.c7)) : [];
  if (identifiers.length > 0 || label)
    value.organization = { identifier: identifiers, ...(label ? { name: label } : {}) };
}

function address(value: Repetition): void {
  const form: Address = {};
  const line = [say(value.c1), say(value.c1, 2), say(value.c2)].filter((one) => one !== undefined);
  if (line.length > 0) form.line = line;
  const [city, state, postalCode, country] = [say(value.c3), say(value.c4), say(value.c5), say(value.c6)];
  if (city) form.city = city;
  if (state) form.state = state;
  if (postalCode) form.postalCode = postalCode;
  if (country) form.country = country;
  if (Object.keys(form).length > 0) value.address = form;
  assign(value, 'insee', say(value.c9));
}

/** XTN: what can be dialled or written to, wherever the sender put it (component 4, 12, 1, or country, area and number). */
function telecom(value: Repetition): ContactPoint | undefined {
  const mail = say(value.c4);
  const number = say(value.c12) ?? say(value.c1) ?? assembled(value);
  const written = mail ?? number;
  if (!written) return undefined;
  const equipment = say(value.c3)?.toUpperCase() ?? '';
  if (mail?.includes('@') || written.includes('@')) return { system: 'email', value: written };
  const kinds: Record<string, NonNullable<ContactPoint['system']>> = {
    FX: 'fax',
    BP: 'pager',
    SAT: 'phone',
    INTERNET: 'url',
  };
  const system = Object.hasOwn(kinds, equipment) ? kinds[equipment] : 'phone';
  // « NON » in the place of an address says that there is none.
  if (system === 'url' && !/[.:/]/.test(written)) return undefined;
  return { system, value: written };
}

function assembled(value: Repetition): string | undefined {
  const country = say(value.c5)?.replace(/^\+?/, '+');
  const rest = [say(value.c6), say(value.c7)].filter((one) => one !== undefined).join('');
  return rest ? `${country ?? ''}${rest}` : undefined;
}

function location(value: Repetition): PersonLocation | undefined {
  const levels = {
    unit: say(value.c1),
    room: say(value.c2),
    bed: say(value.c3),
    building: say(value.c7),
    floor: say(value.c8),
  };
  const facility = say(value.c4);
  const [status, kind, description] = [say(value.c5), say(value.c6), say(value.c9)];
  const entries = Object.entries({ ...levels, facility, status, kind, description }).filter(
    ([, text]) => text !== undefined,
  );
  if (entries.length === 0) return undefined;
  const form = Object.fromEntries(entries) as Omit<PersonLocation, 'text'>;
  const path = [facility, levels.building, levels.floor, levels.unit, levels.room, levels.bed].filter(
    (one) => one !== undefined,
  );
  const text = path.join(' / ') || description || '';
  const system = authorityOf(value.c4);
  const id = [levels.unit, levels.room, levels.bed].filter((one) => one !== undefined).join('/');
  if (id && system) form.identifier = { system, value: id };
  return { ...form, text };
}
