import type { Bundle, Identifier, Resource } from '@medplum/fhirtypes';
import type { FhirEndpoint, FhirResponse } from '../adapter.ts';
import { fault, PasserelleError } from '../errors.ts';
import { searchAll } from '../fhir-pages.ts';
import type { FormRoute, FormSources, Translator, WrittenForm } from '../mapping/index.ts';

/** Bounds of one form: a form is filled in by hand, a directory has hundreds of entries. */
const mostFound = 5000;
const mostResources = 3000;
const deepest = 4;
const chunk = 50;

/** Asks for a form of a resource. */
export interface FormQuestion {
  /** `Type/id`. */
  reference: string;
  /** Name of the form, when the resource is that of several. */
  name?: string;
  /** The FHIR server as the caller may see it. */
  fhir: FhirEndpoint;
  /** Whether the caller may see a resource; what it may not is left out. */
  sees(resource: Resource): boolean;
  at: Date;
}

/** A form written from what is on the FHIR server now, or the FHIR server's own refusal. */
export type FormAnswer = (WrittenForm & { form?: Record<string, unknown>; name?: string }) | { refusal: FhirResponse };

/**
 * Writes the partner's form a resource stands for. Reads the resource, what the form's searches bring of the same form number,
 * and what references lead to.
 */
export async function formOf(translator: Translator, question: FormQuestion): Promise<FormAnswer> {
  const read = await question.fhir.send({ method: 'GET', path: question.reference });
  if (read.status !== 200) return { refusal: read };
  const of = read.body as Resource;
  const form = translator.forms.find(
    (one) => (question.name === undefined || one.name === question.name) && numberOf(of, one) !== undefined,
  );
  if (!form) {
    const allowed = [...new Set(translator.forms.map((one) => one.of.type))].join(', ');
    return { faults: [fault('form-unknown', { params: { allowed } })] };
  }
  return { name: form.name, ...translator.write(form, await gather(form, of, question), question.at) };
}

function numberOf(resource: Resource, { of }: FormRoute): string | undefined {
  if (resource.resourceType !== of.type) return undefined;
  return identifiersOf(resource).find((one) => one.system === of.system)?.value;
}

function identifiersOf(resource: Resource): Identifier[] {
  const { identifier } = resource as { identifier?: Identifier | Identifier[] };
  return [identifier ?? []].flat();
}

async function gather(form: FormRoute, of: Resource, { fhir, sees }: FormQuestion): Promise<FormSources> {
  const value = numberOf(of, form) ?? '';
  const patient = patientOf(of);
  const known = new Map<string, Resource>([[`${of.resourceType}/${of.id}`, of]]);
  for (const search of form.with ?? []) {
    const path = filled(search, { of: `${of.resourceType}/${of.id}`, patient, value });
    if (path === undefined) continue;
    for (const one of await searchAll<Resource>(fhir, path, mostFound)) {
      if (isOfForm(one, value) && sees(one)) known.set(`${one.resourceType}/${one.id}`, one);
    }
  }
  await follow(known, fhir, sees);
  return { of, resources: [...known.values()].map((resource) => ({ resource })) };
}

function patientOf(of: Resource): string | undefined {
  const { subject, patient, for: about } = of as unknown as Record<string, { reference?: string } | undefined>;
  const reference = (subject ?? patient ?? about)?.reference;
  return reference?.startsWith('Patient/') ? reference : undefined;
}

/** The search with its values; undefined when it asks for a patient and there is none. */
function filled(
  search: string,
  values: { of: string; patient: string | undefined; value: string },
): string | undefined {
  if (search.includes('{patient}') && values.patient === undefined) return undefined;
  const [type, query = ''] = search.split('?');
  const pairs = new URLSearchParams(query);
  const asked = new URLSearchParams();
  // A number may hold the signs that part values in a search, https://hl7.org/fhir/R4/search.html#escaping
  const escaped = values.value.replace(/[\\,$|]/g, '\\$&');
  for (const [name, text] of pairs) {
    asked.append(
      name,
      text
        .replaceAll('{of}', values.of)
        .replaceAll('{patient}', values.patient ?? '')
        .replaceAll('{value}', escaped),
    );
  }
  asked.append('_count', '500');
  return `${type}?${asked}`;
}

/** Everything of one form has an identifier that is the form's number, or begins with it. */
function isOfForm(resource: Resource, value: string): boolean {
  const at = value.lastIndexOf('/');
  const roots = at < 0 ? [value] : [value, value.slice(0, at)];
  return identifiersOf(resource).some((one) =>
    roots.some((root) => one.value === root || one.value?.startsWith(`${root}/`)),
  );
}

/** Reads what references lead to, step by step. */
async function follow(known: Map<string, Resource>, fhir: FhirEndpoint, sees: FormQuestion['sees']): Promise<void> {
  const asked = new Set(known.keys());
  let fresh = [...known.values()];
  for (let depth = 0; depth < deepest && fresh.length > 0; depth++) {
    const wanted = [...new Set(fresh.flatMap(referencesIn))].filter((one) => !asked.has(one));
    if (known.size + wanted.length > mostResources) {
      throw new PasserelleError(fault('form-too-large', { params: { limit: mostResources } }));
    }
    for (const one of wanted) asked.add(one);
    fresh = (await readAll(wanted, fhir)).filter(sees);
    for (const one of fresh) known.set(`${one.resourceType}/${one.id}`, one);
  }
}

async function readAll(references: string[], fhir: FhirEndpoint): Promise<Resource[]> {
  const found: Resource[] = [];
  for (let at = 0; at < references.length; at += chunk) {
    const answers = await Promise.all(
      references
        .slice(at, at + chunk)
        .map((path) => fhir.send({ method: 'GET', path, headers: { accept: 'application/fhir+json' } })),
    );
    for (const { status, body } of answers) if (status === 200) found.push(body as Exclude<Resource, Bundle>);
  }
  return found;
}

const LOCAL = /^(?!Binary\/)[A-Z][A-Za-z]+\/[A-Za-z0-9.-]{1,64}$/;

function referencesIn(value: unknown): string[] {
  if (value === null || typeof value !== 'object') return [];
  if (Array.isArray(value)) return value.flatMap(referencesIn);
  return Object.entries(value).flatMap(([name, one]) => {
    if (name === 'reference' && typeof one === 'string') return LOCAL.test(one) ? [one] : [];
    return referencesIn(one);
  });
}
