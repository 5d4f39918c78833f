import type { Coding, Parameters, ValueSet } from '@medplum/fhirtypes';
import type { Request, Response, Router } from 'express';
import { fhirBase } from '../access/demands.ts';
import { refuse } from '../adapter/answer.ts';
import { answer } from '../adapter/fhir-answer.ts';
import { PasserelleError } from '../errors.ts';
import {
  codingsOf,
  type Given,
  givenIn,
  type Part,
  parameters,
  parts,
  textOf,
  unknown,
  whole,
  wrong,
} from './parameters.ts';
import { type Tables, translation } from './translate.ts';

/** Whether a code is in a list; `unknown` when the list is not whole. */
type Membership = 'in' | 'out' | 'unknown';

/** The terminology that judges and maps messages: `Vocabulary` of the examiner's room, the tables of the translator's. */
export interface Words {
  vocabulary: {
    canonical(type: 'CodeSystem' | 'ValueSet', id: string): string | undefined;
    knowsSystem(system: string): boolean;
    exists(system: string, code: string): Membership;
    holds(valueSet: string, system: string | undefined, code: string): Membership | undefined;
    concept(system: string, code: string): Known | undefined;
    expand(valueSet: string, asked: { filter?: string; offset?: number; count?: number }): Listed | undefined;
  };
  translator: { tables: Tables };
}

interface Known {
  name: string;
  version?: string;
  display?: string;
  definition?: string;
  designations: { language?: string; value: string }[];
}

interface Listed {
  total: number;
  contains: { system?: string; code: string; display?: string }[];
  complete: boolean;
}

type Operation = (given: Given, words: Words, id: string | undefined) => Parameters | ValueSet;

const operations: Record<string, Operation> = {
  'CodeSystem/$lookup': lookup,
  'CodeSystem/$validate-code': validateInSystem,
  'ValueSet/$validate-code': validateInSet,
  'ValueSet/$expand': expand,
  'ConceptMap/$translate': (given, { translator }, id) => translation(given, translator.tables, id),
};

/** Most codes in one answer; `offset` asks for the next. */
const mostCodes = 1000;

/**
 * FHIR's terminology operations, https://hl7.org/fhir/R4/terminology-service.html, on the code systems, value sets and tables
 * that are loaded, whatever FHIR server is behind; by GET, or by POST of Parameters, on the type or on a definition's id.
 */
export function terminologyRoutes(router: Router, words: () => Words): void {
  for (const [name, operation] of Object.entries(operations)) {
    const [type, step] = name.split('/') as [string, string];
    const run = (request: Request, response: Response) => answerBy(request, response, operation, words());
    for (const path of [`${fhirBase}/${type}/${step}`, `${fhirBase}/${type}/:id/${step}`]) {
      router.get(path, run);
      router.post(path, run);
    }
  }
}

function answerBy(request: Request, response: Response, operation: Operation, words: Words): void {
  const { id } = request.params as { id?: string };
  try {
    const body = operation(givenIn(request), words, id);
    answer(request, response, { status: 200, headers: {}, body });
  } catch (error) {
    if (!(error instanceof PasserelleError)) throw error;
    refuse(request, response, error.faults);
  }
}

/** The canonical a request names by `url`, by an id, or by another parameter; its version is left aside. */
function canonicalIn(
  given: Given,
  words: Words,
  type: 'CodeSystem' | 'ValueSet',
  id: string | undefined,
  name: string,
) {
  const url = id === undefined ? textOf(given, name)?.split('|')[0] : words.vocabulary.canonical(type, id);
  if (url === undefined) throw id === undefined ? wrong(name, 'URI') : unknown(`${type}/${id}`);
  return url;
}

/** https://hl7.org/fhir/R4/codesystem-operation-lookup.html */
function lookup(given: Given, words: Words, id: string | undefined): Parameters {
  const named = id === undefined ? textOf(given, 'system') : canonicalIn(given, words, 'CodeSystem', id, 'system');
  const [{ system, code = '' } = {}] = codingsOf(given, named);
  if (system === undefined) throw wrong('system', 'URI');
  const found = words.vocabulary.concept(system, code);
  if (!found) throw unknown(`${system}|${code}`);
  return parameters([
    ['name', { valueString: found.name }],
    ['version', { valueString: found.version }],
    ['display', { valueString: found.display ?? code }],
    ['definition', { valueString: found.definition }],
    ...found.designations.map(
      ({ language, value }): Part => [
        'designation',
        {
          part: parts([
            ['language', { valueCode: language }],
            ['value', { valueString: value }],
          ]),
        },
      ],
    ),
  ]);
}

/** https://hl7.org/fhir/R4/codesystem-operation-validate-code.html */
function validateInSystem(given: Given, words: Words, id: string | undefined): Parameters {
  const [coded = {}] = codingsOf(given, undefined);
  const named =
    id !== undefined || given.has('url') ? canonicalIn(given, words, 'CodeSystem', id, 'url') : coded.system;
  if (named === undefined) throw wrong('url', 'URI');
  if (coded.system !== undefined && coded.system !== named) return verdict(false, words, coded, 'wrong-system');
  if (!words.vocabulary.knowsSystem(named)) throw unknown(named);
  const one = { ...coded, system: named };
  const found = words.vocabulary.exists(named, one.code ?? '');
  return verdict(
    found === 'in' || (found === 'unknown' && words.vocabulary.concept(named, one.code ?? '') !== undefined),
    words,
    one,
    found,
  );
}

/** https://hl7.org/fhir/R4/valueset-operation-validate-code.html */
function validateInSet(given: Given, words: Words, id: string | undefined): Parameters {
  const url = canonicalIn(given, words, 'ValueSet', id, 'url');
  const codings = codingsOf(given, textOf(given, 'system'));
  const verdicts = codings.map((one) => words.vocabulary.holds(url, one.system, one.code ?? ''));
  if (verdicts.includes(undefined)) throw unknown(url);
  const at = Math.max(0, verdicts.indexOf('in'));
  return verdict(verdicts[at] === 'in', words, codings[at] ?? {}, verdicts[at] ?? 'out');
}

const reasons: Record<string, string> = {
  out: 'The code is not in it.',
  unknown: 'The code is not among those loaded here; the list is not whole.',
  'wrong-system': 'The code is of another system.',
};

/** Whether it holds; a display that is not the one known here is a wrong one, as the specification has it. */
function verdict(holds: boolean, { vocabulary }: Words, { system, code, display }: Coding, reason: string): Parameters {
  const known = system === undefined || code === undefined ? undefined : vocabulary.concept(system, code);
  const words = [known?.display, ...(known?.designations.map((one) => one.value) ?? [])];
  const misnamed = holds && display !== undefined && known?.display !== undefined && !words.includes(display);
  const message = misnamed ? 'The display is not one of this code.' : holds ? undefined : reasons[reason];
  return parameters([
    ['result', { valueBoolean: holds && !misnamed }],
    ['message', { valueString: message }],
    ['display', { valueString: holds ? known?.display : undefined }],
  ]);
}

/** https://hl7.org/fhir/R4/valueset-operation-expand.html */
function expand(given: Given, words: Words, id: string | undefined): ValueSet {
  const url = canonicalIn(given, words, 'ValueSet', id, 'url');
  const offset = whole(given, 'offset', 0, 1_000_000);
  const count = whole(given, 'count', mostCodes, mostCodes);
  const filter = textOf(given, 'filter');
  const found = words.vocabulary.expand(url, { filter, offset, count });
  if (!found) throw unknown(url);
  const { total, contains, complete } = found;
  const notes = complete ? [] : [{ name: 'limitedExpansion', valueBoolean: true }];
  const asked = [
    ...(filter ? [{ name: 'filter', valueString: filter }] : []),
    { name: 'offset', valueInteger: offset },
    { name: 'count', valueInteger: count },
  ];
  return {
    resourceType: 'ValueSet',
    url,
    status: 'active',
    expansion: {
      timestamp: new Date().toISOString(),
      total,
      offset,
      parameter: [...notes, ...asked],
      ...(contains.length > 0 ? { contains } : {}),
    },
  };
}
