import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import type { Patient, QuestionnaireResponse, Reference, Resource } from '@medplum/fhirtypes';
import fc from 'fast-check';
import { sentence } from '../../src/errors.ts';
import { furnish } from '../../src/gateway/furnish.ts';
import { type Form, formsOf } from '../forms/generate.ts';

/**
 * The same answers as a partner's JSON form and as a QuestionnaireResponse give the same resources: the form is mapped, its
 * answers alone are sent as FHIR. What a Questionnaire does not ask (docs/forms.md lists it) is left out of the form first.
 */
const RUNS = Number(process.env.FORM_RUNS ?? 40);
const root = join(import.meta.dirname, '../..');
const { house, faults } = furnish({ mappings: join(root, 'mappings'), profiles: [join(root, 'profiles')] });
const { translator, extractor, examiner } = house!;
const AT = new Date('2021-06-01T09:00:00Z');
const context = { sender: 'test', messageIdentity: 'one', receivedAt: AT };

test('the Questionnaires have no fault', () => {
  expect(faults.map((one) => sentence(one))).toEqual([]);
});

const forms: [name: string, route: string, only: (form: Form) => Form][] = [
  ['covidom-daily', 'telemonitoring-covidom', ({ otherSymptoms: _others, device: _device, ...form }) => form],
  ['covisan-interview', 'telemonitoring-covisan-interview', (form) => form],
  ['covisan-visit', 'telemonitoring-covisan-visit', (form) => form],
];

describe.each(forms)('%s', (name, route, only) => {
  test(`${RUNS} generated forms: mapped, or extracted from their answers`, () => {
    fc.assert(
      fc.property(formsOf(name).map(only), (form) => {
        const mapped = convert('json', form, route);
        const answers = mapped.find(
          (one): one is QuestionnaireResponse => one.resourceType === 'QuestionnaireResponse',
        );
        fc.pre(answers?.item !== undefined);
        const extracted = convert('fhir', alone(answers!));
        expect(examiner.judge(answers!).filter(({ severity }) => severity === 'error')).toEqual([]);
        expect(compared(extracted)).toEqual(compared(mapped));
      }),
      { numRuns: RUNS },
    );
  });
});

/** The call sheet keeps no answers of its own: they are asked as its Questionnaire asks. */
test(`msp-call-sheet: ${RUNS} generated forms: mapped, or extracted from their answers`, () => {
  fc.assert(
    fc.property(formsOf('msp-call-sheet'), (form) => {
      const mapped = convert('json', form, 'telemonitoring-msp-call-sheet');
      const extracted = convert('fhir', callAnswers(form));
      expect(compared(extracted)).toEqual(compared(mapped));
    }),
    { numRuns: RUNS },
  );
});

function callAnswers(form: Form): object {
  const coded = (table: string, code: string) => ({
    valueCoding: translator.translate(table, undefined, code)?.targets[0],
  });
  const measured = (unit: string) => (value: unknown) => ({
    valueQuantity: { value, unit, system: 'http://unitsofmeasure.org', code: unit },
  });
  const asked: Record<string, (value: unknown) => object> = {
    day: (valueString) => ({ valueString }),
    outcome: (code) => coded('programme-call-outcome', String(code)),
    firstSymptoms: (valueDate) => ({ valueDate }),
    symptoms: (code) => coded('programme-symptom', String(code)),
    spo2: measured('%'),
    temperature: measured('Cel'),
    needsHelp: (valueBoolean) => ({ valueBoolean }),
    needsPsychologist: (valueBoolean) => ({ valueBoolean }),
    comment: (valueString) => ({ valueString }),
  };
  const item = Object.entries(asked)
    .filter(([linkId]) => form[linkId] !== undefined)
    .map(([linkId, answer]) => ({ linkId, answer: [form[linkId]].flat().map(answer) }));
  const questionnaire = 'http://passerelle.example/fhir/Questionnaire/msp-call-sheet|1.1.0';
  const rest = { questionnaire, status: 'completed', subject: SOMEBODY, authored: form.at, item };
  return { resourceType: 'QuestionnaireResponse', ...rest };
}

const SOMEBODY: Reference<Patient> = { type: 'Patient', identifier: { system: 'urn:oid:1.2.3', value: '1' } };

function convert(format: 'json' | 'fhir', tree: unknown, route?: string): Resource[] {
  const extract = (response: QuestionnaireResponse) => extractor.extract(response);
  const decoded = { format, tree, faults: [], parts: [] };
  const { drafts, faults: found } = translator.convert(decoded, { ...context, route, extract });
  // What nobody can have (a weight of some grams) is refused in the form as well, but by the rules of the pathway.
  fc.pre(!found.some(({ code }) => code === 'value-impossible'));
  expect(found.filter((one) => one.severity === 'error').map((one) => sentence(one))).toEqual([]);
  return drafts.map(({ resource }) => resource);
}

/** The answers without the resources beside them: the patient by number, no encounter. */
function alone(answers: QuestionnaireResponse): QuestionnaireResponse {
  const { encounter: _, ...rest } = structuredClone(answers);
  return { ...rest, subject: SOMEBODY };
}

const TYPES = ['Observation', 'Condition', 'Flag', 'SupplyDelivery', 'Task', 'Encounter', 'Communication'];

/** Who is meant, numbers of the form, and what goes with them: a Questionnaire's answers name nobody but their subject. */
const MEANT =
  'identifier subject patient for performer derivedFrom device encounter participant basedOn owner sender'.split(' ');

function compared(resources: Resource[]): unknown[] {
  const clinical = resources.filter((one) => TYPES.includes(one.resourceType));
  return clinical.map((one) => JSON.stringify(sorted(said(one)))).sort();
}

function said(resource: Resource): unknown {
  const rest = JSON.parse(JSON.stringify(resource)) as Record<string, { end?: string } | undefined>;
  for (const name of MEANT) delete rest[name];
  // The answers of a visit are given at its beginning; when it ended is not asked.
  if (resource.resourceType === 'Encounter') delete rest.period?.end;
  return rest;
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, one]) => [name, sorted(one)]),
  );
}
