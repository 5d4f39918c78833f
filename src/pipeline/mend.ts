import type { Resource } from '@medplum/fhirtypes';
import type { Conversion, Draft } from '../conversion.ts';
import { type Fault, warning } from '../errors.ts';
import type { Finding } from '../profile/finding.ts';
import type { House } from './house.ts';
import { isNoVitalSign, settleVitalSign } from './vital-sign.ts';

/**
 * What real CDA documents and HL7 v2 messages get wrong in one value must not cost the rest: a value that no FHIR resource can
 * hold (a code its system does not know, a period that ends before it begins, a weight in grams per litre) is left out and said;
 * the exact bytes keep it. Payloads made for this gateway (forms, FHIR) are not mended: their senders can correct them.
 */
const MENDED = /^(?:cda|hl7v2-)/;

/** Each round takes out the deepest faults; what holds them is looked at again. */
const ROUNDS = 6;

type Json = Record<string, unknown>;
type Step = string | number;

/** Leaves out of the drafts what cannot be, one warning for each value; does nothing to drafts without an error. */
export function mend(conversion: Conversion, { examiner }: Pick<House, 'examiner'>): Fault[] {
  if (!Object.keys(conversion.maps).some((name) => MENDED.test(name))) return [];
  return conversion.drafts.flatMap((draft) => mendDraft(draft, examiner));
}

function mendDraft(draft: Draft, examiner: House['examiner']): Fault[] {
  const faults: Fault[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const errors = examiner.judge(draft.resource).filter((one) => one.severity === 'error');
    if (errors.length === 0) break;
    // The deepest first: what they leave behind decides about the rest.
    const depth = Math.max(...errors.map(({ path }) => stepsOf(path).length));
    const deepest = errors.filter(({ path }) => stepsOf(path).length === depth);
    const mended = deepest.filter((finding) => repair(draft.resource, finding));
    for (const { path, profile, rule, message } of mended) {
      faults.push(warning('value-unfit', { place: path, rule: `${profile}#${rule}`, params: { message: message.en } }));
    }
    if (mended.length === 0) break;
  }
  return faults;
}

/** One finding; true when something was changed. */
function repair(resource: Resource, { path, rule, profile }: Finding): boolean {
  const claims = resource.meta?.profile;
  if (claims?.includes(profile)) {
    resource.meta = { ...resource.meta, profile: claims.filter((one) => one !== profile) };
    if (resource.meta.profile?.length === 0) delete resource.meta.profile;
    return true;
  }
  if (isNoVitalSign(resource, { rule, path })) return settleVitalSign(resource);
  const steps = stepsOf(path);
  if (steps.length === 0 || MISSING.has(rule)) return fill(resource, steps, rule);
  const holder = at(resource, steps);
  if (isObject(holder)) {
    if (rule === 'code' && 'system' in holder) return without(holder, 'system', 'version');
    if (rule === 'unit' && 'system' in holder) return without(holder, 'system', 'code');
    if (/^org-[23]$/.test(rule) && 'use' in holder) return without(holder, 'use');
  }
  return remove(resource, steps);
}

/** Rules that ask for something that is not there. */
const MISSING = new Set(['min', 'slice', 'vs-2', 'vs-3', 'obs-6']);

/**
 * An observation says why it has no value, a stay that its class is unknown, others that what they need is; anything else that
 * lacks what it needs goes.
 */
function fill(resource: Resource, steps: Step[], rule: string): boolean {
  const holder = at(resource, steps) as Json | undefined;
  if (resource.resourceType === 'Observation' && isObject(holder)) {
    const valued = Object.keys(holder).some((name) =>
      /^value[A-Z]|^dataAbsentReason$|^component$|^hasMember$/.test(name),
    );
    if (!valued && (steps.length === 0 || steps[0] === 'component')) {
      holder.dataAbsentReason = { coding: [{ system: ABSENT, code: 'error', display: 'Error' }] };
      return true;
    }
  }
  if (steps.length === 0 && rule === 'min' && isObject(holder) && sayUnknown(resource.resourceType, holder))
    return true;
  return steps.length > 0 && remove(resource, steps);
}

const ABSENCE = {
  extension: [{ url: 'http://hl7.org/fhir/StructureDefinition/data-absent-reason', valueCode: 'unknown' }],
};

/** What may be unknown of a resource that needs it: its elements, where it is said, and how. */
const UNKNOWN: Record<string, [elements: RegExp, name: string, said: Json][]> = {
  DiagnosticReport: [[/^code$/, 'code', ABSENCE]],
  Encounter: [[/^class$/, 'class', { system: 'http://terminology.hl7.org/CodeSystem/v3-NullFlavor', code: 'UNK' }]],
  FamilyMemberHistory: [[/^relationship$/, 'relationship', ABSENCE]],
  Immunization: [
    [/^_?occurrence/, '_occurrenceDateTime', ABSENCE],
    [/^vaccineCode$/, 'vaccineCode', ABSENCE],
  ],
  MedicationAdministration: [[/^_?effective/, '_effectiveDateTime', ABSENCE]],
  Observation: [
    [/^code$/, 'code', ABSENCE],
    [/^_?effective/, '_effectiveDateTime', ABSENCE],
  ],
};

function sayUnknown(type: string, holder: Json): boolean {
  const missing = UNKNOWN[type]?.find(([elements]) => !Object.keys(holder).some((name) => elements.test(name)));
  if (!missing) return false;
  const [, name, said] = missing;
  holder[name] = structuredClone(said);
  return true;
}

const ABSENT = 'http://terminology.hl7.org/CodeSystem/data-absent-reason';

function without(holder: Json, ...names: string[]): boolean {
  for (const name of names) delete holder[name];
  return true;
}

/** Takes an element out, and what becomes empty by it. */
function remove(resource: Resource, steps: Step[]): boolean {
  const last = steps.at(-1)!;
  const holder = at(resource, steps.slice(0, -1));
  if (Array.isArray(holder) && typeof last === 'number' && last < holder.length) holder.splice(last, 1);
  else if (isObject(holder) && last in holder) without(holder, String(last), `_${last}`);
  else return false;
  const empty = Array.isArray(holder) ? holder.length === 0 : isObject(holder) && Object.keys(holder).length === 0;
  if (empty && steps.length > 1) remove(resource, steps.slice(0, -1));
  return true;
}

function at(resource: Resource, steps: Step[]): unknown {
  let value: unknown = resource;
  for (const step of steps) value = (value as Json | undefined)?.[step];
  return value;
}

function isObject(value: unknown): value is Json {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}

/** `Observation.component[0].value.ofType(Quantity).code` → component, 0, valueQuantity, code. */
function stepsOf(path: string): Step[] {
  const joined = path.replace(/\.ofType\((\w+)\)/g, (_, type: string) => type[0]!.toUpperCase() + type.slice(1));
  return joined
    .split('.')
    .slice(1)
    .flatMap((part) => {
      const [name, ...indexes] = part.split(/[[\]]+/).filter((one) => one !== '');
      return [name!, ...indexes.map(Number)];
    });
}
