import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';

interface Schema {
  $ref?: string;
  $defs?: Record<string, Schema>;
  type?: string;
  const?: unknown;
  enum?: unknown[];
  format?: string;
  pattern?: string;
  maxLength?: number;
  minimum?: number;
  maximum?: number;
  items?: Schema;
  anyOf?: Schema[];
  properties?: Record<string, Schema>;
  required?: string[];
}
export type Form = Record<string, unknown>;

const FOLDER = join(import.meta.dirname, '../../mappings');

/**
 * Forms as partners fill them in, from the published schema: every property may be there or not, every value is meaningful
 * (an INS with its key, dates of the epidemic, units that are converted). Numbers of people and structures differ from each
 * other; lists of codes are in the schema's order.
 */
export function formsOf(name: string): fc.Arbitrary<Form> {
  const schema = JSON.parse(readFileSync(join(FOLDER, `schema-${name}.json`), 'utf8')) as Schema;
  return arbitraryOf(schema, '', schema).map((form) => sensible(numbered(structuredClone(form as Form))));
}

function arbitraryOf(schema: Schema, name: string, root: Schema): fc.Arbitrary<unknown> {
  if (schema.$ref) return arbitraryOf(root.$defs![schema.$ref.slice(8)]!, name, root);
  if (schema.const !== undefined) return fc.constant(schema.const);
  if (schema.enum) return fc.constantFrom(...schema.enum);
  if (schema.properties) return objectOf(schema, root);
  if (schema.type === 'array') return listOf(schema.items!, name, root);
  if (schema.type === 'boolean') return fc.boolean();
  if (schema.type === 'integer')
    return fc.integer({ min: schema.minimum ?? 0, max: Math.min(schema.maximum ?? 50, 60) });
  if (schema.type === 'number')
    return fc.integer({ min: (schema.minimum ?? 1) * 10, max: (schema.maximum ?? 90) * 10 }).map((n) => n / 10);
  if (schema.anyOf) return fc.oneof(...schema.anyOf.map((one) => textOf(one, name)));
  return textOf(schema, name);
}

function objectOf({ properties = {}, required = [] }: Schema, root: Schema): fc.Arbitrary<Form> {
  const parts = Object.entries(properties).map(([key, one]) => {
    const value = arbitraryOf(one, key, root);
    return required.includes(key) ? value : fc.option(value, { nil: undefined, freq: 2 });
  });
  return fc.tuple(...parts).map((values) => {
    const form: Form = {};
    Object.keys(properties).forEach((key, index) => {
      const value = values[index];
      const bare = value !== null && typeof value === 'object' && Object.keys(value).length === 0;
      if (value !== undefined && !bare) form[key] = value;
    });
    return form;
  });
}

function listOf(items: Schema, name: string, root: Schema): fc.Arbitrary<unknown[]> {
  const one = items.$ref ? root.$defs![items.$ref.slice(8)]! : items;
  if (one.enum) return fc.subarray(one.enum, { minLength: 1 });
  const value = arbitraryOf(items, name, root);
  if (one.properties) return fc.array(value, { minLength: 1, maxLength: 3 });
  return fc.uniqueArray(value, { minLength: 1, maxLength: 3 });
}

const WORDS = [
  'Élodie',
  'MOREL',
  'Côté',
  'D’ARTAGNAN',
  'Saint-Ouen',
  'Nguyễn',
  'O2 & repos',
  'Hôtel <Étoile>',
  'rue "Haute"',
  'Ana',
];
const pad = (value: number, length = 2) => String(value).padStart(length, '0');
const day = fc.integer({ min: 0, max: 400 }).map((n) => new Date(Date.UTC(2020, 2, 1 + n)).toISOString().slice(0, 10));
const moment = fc
  .tuple(day, fc.integer({ min: 0, max: 86_399 }), fc.constantFrom('+01:00', '+02:00', 'Z', '-04:00'))
  .map(
    ([date, s, offset]) =>
      `${date}T${pad(Math.floor(s / 3600))}:${pad(Math.floor(s / 60) % 60)}:${pad(s % 60)}${offset}`,
  );
const phone = fc.integer({ min: 0, max: 99_999_999 }).map((n) => `+336${pad(n, 8)}`);

function textOf({ format, pattern, maxLength }: Schema, name: string): fc.Arbitrary<string> {
  if (format === 'date') return day;
  if (format === 'iso-date-time') return moment;
  if (name === 'birthDate')
    return fc.tuple(day, fc.constantFrom(4, 7, 10)).map(([date, length]) => date.slice(0, length));
  if (name === 'system') return fc.integer({ min: 1, max: 9 }).map((n) => `urn:oid:1.2.250.1.999.${n}`);
  if (name === 'country') return fc.constantFrom('FRA', 'BEL');
  if (name === 'language') return fc.constantFrom('fr', 'ar', 'pt-BR');
  if (name === 'phone' || name === 'mobile') return phone;
  if (name === 'email' || name === 'mssante')
    return fc.integer({ min: 1, max: 999 }).map((n) => `a${n}@exemple.mssante.fr`);
  if (name === 'departments') return fc.constantFrom('75', '92', '93', '2A');
  if (pattern !== undefined || /^(id|value|number|directory|.*Id|code|rpps|finess|operator)$/.test(name)) {
    return fc.integer({ min: 10_000, max: 99_999 }).map(String);
  }
  return fc
    .array(fc.constantFrom(...WORDS), { minLength: 1, maxLength: 3 })
    .map((words) => words.join(' ').slice(0, maxLength).trim());
}

/** Numbers that name somebody or something differ within a form. */
function numbered(form: Form): Form {
  let next = 1;
  const walk = (value: unknown): void => {
    if (Array.isArray(value)) value.forEach(walk);
    if (value === null || typeof value !== 'object') return;
    const one = value as Form;
    if (one.rpps !== undefined) one.rpps = pad(10_000_000_000 + next++, 11);
    if (one.finess !== undefined) one.finess = pad(750_000_000 + next++, 9);
    if (one.ins !== undefined) (one.ins as Form).value = nirOf(next++);
    for (const key of ['id', 'value', 'number'] as const) {
      if (typeof one[key] === 'string' && !('oid' in one)) one[key] = `N${one[key]}-${next++}`;
    }
    Object.values(one).forEach(walk);
  };
  walk(form);
  return form;
}

function nirOf(n: number): string {
  const body = `2541275056${pad(n, 3)}`;
  return `${body}${pad(97 - Number(BigInt(body) % 97n))}`;
}

/** What no form would say, or says by saying nothing: docs/forms.md lists it. */
function sensible(form: Form): Form {
  const patient = form.patient as Form | undefined;
  if (patient) {
    if (!patient.ins && !patient.identifiers) patient.ins = { oid: '1.2.250.1.213.1.4.8', value: nirOf(500) };
    if (patient.usedGivenName === patient.birthGivenName) delete patient.usedGivenName;
  }
  const agreement = form.agreement as Form | undefined;
  if (agreement?.by) delete (agreement.by as Form).structure;
  for (const one of (form.household as Form[] | undefined) ?? []) if (one.vulnerable === false) delete one.vulnerable;
  for (const key of ['needsHelp', 'needsPsychologist']) if (form[key] === false) delete form[key];
  fitters[form.form as string]?.(form);
  return form;
}

const ITEMS = `discharge-summary prescriptions starter-supply hospital-contact post-covid-appointment information-sheet
  oxygen-provider tool-enrolment`.split(/\s+/);

const fitters: Record<string, (form: Form) => void> = {
  'covisan-inclusion': (form) => {
    const isolation = form.isolation as Form | undefined;
    if (isolation) Object.assign(isolation, { from: isolation.from ?? '2020-11-03', days: isolation.days ?? 14 });
    if (!form.requester && !form.site && !form.generalPractitioner) form.requester = { family: 'MOREL' };
    ordered(form, ['isolation', ['place', 'from', 'days', 'voluntary']]);
  },
  'covidom-inclusion': (form) => {
    form.questionnairesPerDay ??= 1;
  },
  'covidom-daily': (form) => daily(form),
  'covisan-directory': (form) => directory(form),
  'laboratory-results': (form) => laboratory(form),
  'discharge-package': (form) => {
    for (const one of (form.remote as Form[] | undefined) ?? []) {
      if (one.state !== 'done' && one.state !== 'planned') for (const key of ['start', 'end']) delete one[key];
      else if (one.state === 'planned')
        Object.assign(one, { start: one.start ?? '2020-11-20T10:00:00Z', end: one.end ?? '2020-11-20T10:30:00Z' });
      else one.start ??= '2020-11-20T10:00:00Z';
    }
    const states = (form.items as Form[]).map(({ state }) => state);
    form.items = ITEMS.map((item, index) => ({ item, state: states[index % states.length] }));
  },
};

function daily(form: Form): void {
  if (form.enteredBy === 'patient') delete form.enteredBy;
  const measures = Object.entries((form.measures ?? {}) as Record<string, Form>);
  const units: Record<string, string> = { temperature: '[degF]', weight: 'g' };
  for (const [name, one] of measures) {
    if (one.unit !== undefined && units[name]) one.unit = units[name];
    else delete one.unit;
    if (one.at === form.answeredAt) delete one.at;
    if (one.manual === false || !form.device) delete one.manual;
  }
  if (!measures.some(([, one]) => one.manual === undefined)) delete form.device;
  if (!form.device) for (const [, one] of measures) delete one.manual;
  const codes = ['MYALG', 'CEPH', 'ODYN', 'XQ-17'];
  for (const [index, one] of ((form.otherSymptoms as Form[] | undefined) ?? []).entries()) one.code = codes[index]!;
}

/** One value of one kind; a unit that has a translation is written as the table's target is. */
function laboratory(form: Form): void {
  const test = form.test as Form | undefined;
  form.test = test?.kind ? { kind: test.kind } : test?.code ? test : { kind: 'rt-pcr' };
  if (form.status === 'final') delete form.status;
  const outcomes = ['result', 'value', 'text'].filter((name) => form[name] !== undefined);
  for (const name of outcomes.slice(1)) delete form[name];
  if (outcomes.length === 0) form.status = 'preliminary';
  if (form.value === undefined) for (const name of ['comparator', 'unit', 'low', 'high']) delete form[name];
  else if (form.unit !== undefined)
    form.unit = ['g/L', 'G/L', 'UI/mL', 'µmol/L', 'unité maison'][(Number(form.value) % 5) | 0];
}

function directory(form: Form): void {
  form.structures ??= [{ id: 'S-1', kind: 'dac', name: 'DAC 75' }];
  const structures = form.structures as Form[];
  form.id = form.directory;
  for (const list of ['centres', 'screening', 'lodgings', 'staff']) {
    for (const one of (form[list] as Form[] | undefined) ?? []) {
      if (one.operator !== undefined) one.operator = structures[0]!.id;
      if (one.person) delete (one.person as Form).structure;
    }
  }
}

function ordered(form: Form, [key, names]: [string, string[]]): void {
  const value = form[key] as Form | undefined;
  if (value) form[key] = Object.fromEntries(names.flatMap((name) => (name in value ? [[name, value[name]]] : [])));
}
