import type { CodeableConcept, Coding, Observation, Resource } from '@medplum/fhirtypes';
import type { Finding } from '../profile/finding.ts';

/**
 * HL7's profiles of vital signs hold wherever their LOINC code stands, claimed or not. A document also tells a weight of 2019, or
 * one measured nobody knows when, a body mass index that could not be computed: to those that look for a vital sign by its code
 * such a thing is none. It is kept as it was said, in words, with its time and value, and its code beside them.
 */
const LOINC = 'http://loinc.org';
const STATEMENT = 'http://passerelle.example/fhir/StructureDefinition/statement';

const PRESSURES = ['8480-6', '8462-4'];
const PANEL = { system: LOINC, code: '85354-9', display: 'Blood pressure panel with all children optional' };
const UNKNOWN = {
  system: 'http://terminology.hl7.org/CodeSystem/data-absent-reason',
  code: 'unknown',
  display: 'Unknown',
};

/** A day, or a moment of it. */
const DAY = /^\d{4}-\d{2}-\d{2}/;

/** Whether the finding says that an observation cannot be the vital sign its code stands for. */
export function isNoVitalSign(
  resource: Resource,
  { rule, path }: Pick<Finding, 'rule' | 'path'>,
): resource is Observation {
  if (resource.resourceType !== 'Observation') return false;
  return (
    rule === 'vs-1' || (rule === 'slice' && (resource.dataAbsentReason !== undefined || path === 'Observation.code'))
  );
}

/**
 * Makes of it what it can be: a pressure alone becomes a panel that lacks the other, a period its beginning with the period kept
 * beside it (vs-1 knows moments only), anything else an observation by its words. Changes the resource in place; false when there
 * was nothing to change.
 */
export function settleVitalSign(observation: Observation): boolean {
  return asPanel(observation) || atMoment(observation) || byWords(observation);
}

function asPanel(observation: Observation): boolean {
  const { code, valueQuantity, dataAbsentReason, interpretation, referenceRange } = observation;
  const own = pressureOf(code);
  // Several values are components already.
  if (!own || observation.component) return false;
  const other = PRESSURES.find((one) => one !== own)!;
  for (const name of ['valueQuantity', 'dataAbsentReason', 'interpretation', 'referenceRange'] as const)
    delete observation[name];
  observation.code = { coding: [PANEL] };
  observation.component = [
    { code, valueQuantity, dataAbsentReason, interpretation, referenceRange },
    { code: { coding: [{ system: LOINC, code: other }] }, dataAbsentReason: { coding: [UNKNOWN] } },
  ];
  return true;
}

function pressureOf({ coding }: CodeableConcept): string | undefined {
  return PRESSURES.find((pressure) => coding?.some(({ system, code }) => system === LOINC && code === pressure));
}

function atMoment(observation: Observation): boolean {
  const period = observation.effectivePeriod;
  if (!period?.start || !DAY.test(period.start)) return false;
  delete observation.effectivePeriod;
  observation.effectiveDateTime = period.start;
  if (period.end && period.end !== period.start) {
    const said = { url: STATEMENT, extension: [{ url: 'period', valuePeriod: period }] };
    observation.extension = [...(observation.extension ?? []), said];
  }
  return true;
}

function byWords({ code }: Observation): boolean {
  const isLoinc = ({ system }: Coding) => system === LOINC;
  const known = code.coding?.filter(isLoinc) ?? [];
  if (known.length === 0) return false;
  const rest = code.coding!.filter((one) => !isLoinc(one));
  code.text ??= known.find(({ display }) => display)?.display ?? known[0]!.code!;
  code.extension = [
    ...(code.extension ?? []),
    { url: STATEMENT, extension: [{ url: 'code', valueCodeableConcept: { coding: known } }] },
  ];
  if (rest.length > 0) code.coding = rest;
  else delete code.coding;
  return true;
}
