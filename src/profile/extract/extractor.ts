import type { Questionnaire, QuestionnaireResponse, Resource } from '@medplum/fhirtypes';
import { type Fault, fault } from '../../errors.ts';
import { type Item, raw } from '../fhirpath/values.ts';
import { isObject, type Json, TrialStopped } from '../trial.ts';
import { Extraction } from './expression.ts';
import { ExtractionProblem, limits } from './limits.ts';
import { type Plan, type PlanItem, planOf, type Requested, type Wanted } from './plan.ts';

/** A resource that answers give, and where they stand. */
export interface Extracted {
  resource: Resource;
  /** Stable over a re-send and a correction: link ids, the number of a repetition, the template. */
  key: string;
  /** Id of the template in its Questionnaire. */
  template: string;
  /** The item of the response, or the response, that the template stands at. */
  source: object;
  /** What the template asks of the server that takes it; `fullUrl` is how other extracted resources name it. */
  request: Partial<Record<keyof Requested, string>>;
}

/** What a response gives: resources, or why there are none. */
export interface ExtractionResult {
  /** The Questionnaire that says how, and its version (hash of its content). */
  map: string;
  version: string;
  extracted: Extracted[];
  faults: Fault[];
}

/** Answers that are whole; nothing is made of a draft, or of what was taken back. */
const FINISHED = new Set<unknown>(['completed', 'amended']);

/**
 * Extracts resources from answers by the templates of their Questionnaire (SDC 4.0, template-based). Pure: ids are made from
 * places, nobody is looked up, references stay as the response says them.
 */
export class Extractor {
  private readonly plans = new Map<string, Plan>();

  /**
   * Takes a Questionnaire whose answers can be extracted.
   * @returns what is wrong in it, with the place
   */
  add(questionnaire: Questionnaire): string | undefined {
    try {
      const plan = planOf(questionnaire);
      if (plan && questionnaire.url) this.plans.set(questionnaire.url, plan);
      return undefined;
    } catch (error) {
      if (error instanceof ExtractionProblem) return error.message;
      throw error;
    }
  }

  /** Whether answers of that Questionnaire give resources; its version is left aside. */
  knows(canonical: string | undefined): boolean {
    return this.plans.has(canonical?.split('|')[0] ?? '');
  }

  /**
   * The resources of a finished response. Never throws for content; a limit that is reached, or a template that does not
   * work out, is an error and nothing is extracted.
   * @param given the Questionnaire, where it comes along with the response
   */
  extract(response: QuestionnaireResponse, given?: Questionnaire): ExtractionResult {
    const place = 'QuestionnaireResponse';
    const result: ExtractionResult = { map: 'Questionnaire', version: '', extracted: [], faults: [] };
    try {
      const plan = given ? planOf(given) : this.plans.get(response.questionnaire?.split('|')[0] ?? '');
      if (!plan) {
        return { ...result, faults: [fault('extraction-unknown', { place: `${place}.questionnaire` })] };
      }
      const { name, version } = plan;
      const extracted = FINISHED.has(response.status) ? run(plan, response as unknown as Json) : [];
      return { ...result, map: `Questionnaire/${name}`, version, extracted };
    } catch (error) {
      const problem = problemOf(error);
      if (problem === undefined) throw error;
      return { ...result, faults: [fault('extraction-failed', { place, params: { problem } })] };
    }
  }
}

/** A text or list that grew beyond what the engine holds is too much work as well. */
function problemOf(error: unknown): string | undefined {
  if (error instanceof ExtractionProblem) return error.message;
  const isTooMuch = error instanceof TrialStopped || error instanceof RangeError;
  return isTooMuch ? 'it takes more work than is allowed' : undefined;
}

function run(plan: Plan, response: Json): Extracted[] {
  const extraction = new Extraction(response, plan.questionnaire);
  const found: Extracted[] = [];
  allocate(plan.allocates, '', extraction);
  take(plan.wanted, response, response, '', extraction, found);
  walk(plan.items, response, '', extraction, found);
  return found;
}

/** Goes down items of a response, or of an answer, beside those of the Questionnaire. */
function walk(items: PlanItem[], owner: Json, key: string, extraction: Extraction, found: Extracted[]): void {
  const given = Array.isArray(owner.item) ? owner.item.filter(isObject) : [];
  for (const one of items) {
    extraction.trial.spend(given.length);
    const own = given.filter(({ linkId }) => linkId === one.linkId);
    const iterations = own.flatMap((item) => (one.perAnswer ? perAnswer(item) : [{ item, focus: item }]));
    for (const [at, { item, focus }] of iterations.entries()) {
      const here = `${key}${key && '/'}${one.linkId}${iterations.length > 1 || isRepeated(one) ? `.${at}` : ''}`;
      extraction.variables.qitem = [one.item];
      allocate(one.allocates, here, extraction);
      take(one.wanted, focus, item, here, extraction, found);
      walk(one.items, focus, here, extraction, found);
      for (const answer of answersOf(focus)) walk(one.items, answer, here, extraction, found);
    }
  }
}

const isRepeated = ({ item }: PlanItem) => item.repeats === true;

function answersOf({ answer }: Json): Json[] {
  return Array.isArray(answer) ? answer.filter(isObject) : [];
}

/** A question with several answers is asked once and answered as often: each answer as if it were the only one. */
function perAnswer(item: Json): { item: Json; focus: Json }[] {
  return answersOf(item).map((answer) => ({ item, focus: { ...item, answer: [answer] } }));
}

function allocate(names: string[], key: string, { variables }: Extraction): void {
  for (const name of names) variables[name] = [`urn:passerelle:extracted:${key}/${name}`];
}

function take(
  wanted: Wanted[],
  focus: Item,
  source: object,
  key: string,
  extraction: Extraction,
  found: Extracted[],
): void {
  for (const { name, template, request } of wanted) {
    const own = `${key}${key && '/'}${name}`;
    for (const [at, resource] of template(focus, extraction).entries()) {
      if (found.length >= limits.resources) {
        throw new ExtractionProblem(`more than ${limits.resources} resources come of it`);
      }
      found.push({
        resource: resource as unknown as Resource,
        key: at === 0 ? own : `${own}.${at}`,
        template: name,
        source,
        request: requested(request, focus, extraction),
      });
    }
  }
}

function requested(request: Requested, focus: Item, extraction: Extraction): Extracted['request'] {
  const said: Extracted['request'] = {};
  for (const name of Object.keys(request) as (keyof Requested)[]) {
    const value = raw(request[name]!(focus, extraction)[0]);
    if (typeof value === 'string') said[name] = value;
  }
  return said;
}
