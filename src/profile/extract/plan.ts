import { hash } from 'node:crypto';
import type { Questionnaire } from '@medplum/fhirtypes';
import { isObject, type Json } from '../trial.ts';
import { type Expression, expression } from './expression.ts';
import { ExtractionProblem, limits } from './limits.ts';
import { type Template, template } from './template.ts';

const SDC = 'http://hl7.org/fhir/uv/sdc/StructureDefinition/sdc-questionnaire-';
const EXTRACT = `${SDC}templateExtract`;
const ALLOCATE = `${SDC}extractAllocateId`;

const REQUEST = ['fullUrl', 'resourceId', 'ifNoneExist', 'ifNoneMatch', 'ifModifiedSince', 'ifMatch'] as const;
/** What an extraction asks of the server that takes its Bundle, besides the resource. */
export type Requested = Partial<Record<(typeof REQUEST)[number], Expression>>;

/** One resource (or several) that an item of a Questionnaire gives. */
export interface Wanted {
  /** Id of the contained template. */
  name: string;
  template: Template;
  request: Requested;
}

/** An item of a Questionnaire as far as extraction goes: with something to extract in it or below it. */
export interface PlanItem {
  linkId: string;
  /** Each answer is an iteration. */
  perAnswer: boolean;
  /** Names of ids that are made for each iteration. */
  allocates: string[];
  wanted: Wanted[];
  items: PlanItem[];
  /** The item itself, `%qitem`. */
  item: Json;
}

/** A Questionnaire made ready for extraction. */
export interface Plan extends Omit<PlanItem, 'linkId' | 'perAnswer' | 'item'> {
  questionnaire: Json;
  /** Last step of its canonical. */
  name: string;
  /** Hash of its content, as maps have. */
  version: string;
}

/**
 * Compiles the extraction extensions of a Questionnaire; undefined when it has none.
 * @throws ExtractionProblem with the place of what cannot be used
 */
export function planOf(questionnaire: Questionnaire): Plan | undefined {
  const json = questionnaire as unknown as Json;
  const contained = listOf(json.contained).filter(isObject);
  const templates = new Map(contained.map((one, at) => [`#${String(one.id)}`, { one, place: `contained[${at}]` }]));
  const compiled = new Map<string, Template>();
  const budget = { items: limits.items - contained.length };
  const templateOf = (reference: string, place: string) => {
    const found = templates.get(reference);
    if (!found) throw new ExtractionProblem(`${place}: no template ${reference.slice(0, 80)} is contained`);
    const made = compiled.get(reference) ?? template(found.one, found.place);
    compiled.set(reference, made);
    return made;
  };
  const own = extensionsOf(json, 'Questionnaire', templateOf);
  const items = itemsOf(json, 'Questionnaire', templateOf, budget, 0);
  if (own.wanted.length === 0 && items.length === 0) return undefined;
  const name = /[\w.-]{1,64}$/.exec(questionnaire.url ?? '')?.[0] ?? 'given';
  return { ...own, items, questionnaire: json, name, version: hash('sha256', JSON.stringify(json)).slice(0, 16) };
}

type TemplateOf = (reference: string, place: string) => Template;

function itemsOf(
  owner: Json,
  place: string,
  templateOf: TemplateOf,
  budget: { items: number },
  depth: number,
): PlanItem[] {
  if (depth > limits.depth) throw new ExtractionProblem(`${place}: items are more than ${limits.depth} deep`);
  return listOf(owner.item).flatMap((item, at) => {
    const here = `${place}.item[${at}]`;
    budget.items--;
    if (budget.items < 0) throw new ExtractionProblem(`there are more than ${limits.items} items and templates`);
    if (!isObject(item) || typeof item.linkId !== 'string') return [];
    const { linkId } = item;
    const own = extensionsOf(item, here, templateOf);
    const items = itemsOf(item, here, templateOf, budget, depth + 1);
    const perAnswer = item.repeats === true && item.type !== 'group';
    return own.wanted.length > 0 || items.length > 0 ? [{ linkId, perAnswer, ...own, items, item }] : [];
  });
}

function extensionsOf(owner: Json, place: string, templateOf: TemplateOf): Pick<PlanItem, 'allocates' | 'wanted'> {
  const extensions = listOf(owner.extension).filter(isObject);
  const allocates = extensions.flatMap(({ url, valueString }) => (url === ALLOCATE ? String(valueString) : []));
  const wanted = extensions.filter(({ url }) => url === EXTRACT).map((one) => wantedBy(one, place, templateOf));
  return { allocates, wanted };
}

function wantedBy(extension: Json, place: string, templateOf: TemplateOf): Wanted {
  const parts = new Map(
    listOf(extension.extension)
      .filter(isObject)
      .map((part) => [part.url, part]),
  );
  const { valueReference } = parts.get('template') ?? {};
  const reference = isObject(valueReference) ? String(valueReference.reference) : '';
  const request: Requested = {};
  for (const name of REQUEST) {
    const part = parts.get(name);
    if (part) request[name] = expression(part.valueString, `${place}.extension(${name})`);
  }
  return { name: reference.slice(1), template: templateOf(reference, place), request };
}

function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}
