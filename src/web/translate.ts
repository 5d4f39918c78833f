import type { CodeableConcept, Coding, Parameters } from '@medplum/fhirtypes';
import { codingsOf, type Given, type Part, parameters, parts, textOf, unknown } from './parameters.ts';

/** The tables of the maps by name. */
export type Tables = ReadonlyMap<string, Table>;

interface Table {
  url?: string;
  lookup(system: string | undefined, code: string): { outcome: string; targets: Coding[] };
  reverse(system: string | undefined, code: string): Coding[];
}

/**
 * https://hl7.org/fhir/R4/conceptmap-operation-translate.html on the tables of the maps: one named by `url` or id, else all
 * that lead to `targetsystem`. `reverse` asks from the target's side.
 */
export function translation(given: Given, tables: Tables, id: string | undefined): Parameters {
  const chosen = tablesFor(given, tables, id);
  const reverse = textOf(given, 'reverse') === 'true';
  const target = textOf(given, 'targetsystem');
  const matches: Part[] = [];
  for (const coding of codings(given)) {
    for (const table of chosen) {
      for (const [found, equivalence] of look(table, coding, reverse)) {
        if (target !== undefined && found.system !== target) continue;
        matches.push([
          'match',
          {
            part: parts([
              ['equivalence', { valueCode: equivalence }],
              ['concept', { valueCoding: found }],
              ['source', { valueUri: table.url }],
            ]),
          },
        ]);
      }
    }
  }
  const message = matches.length === 0 ? 'No table here has a translation of this code.' : undefined;
  return parameters([
    ['result', { valueBoolean: matches.length > 0 }],
    ['message', { valueString: message }],
    ...matches,
  ]);
}

function codings(given: Given): Coding[] {
  const [concept] = given.get('codeableConcept') ?? [];
  if (concept && typeof concept === 'object') return (concept as CodeableConcept).coding ?? [];
  return codingsOf(given, textOf(given, 'system'));
}

function tablesFor(given: Given, all: Tables, id: string | undefined): Table[] {
  const url = textOf(given, 'url');
  if (id === undefined && url === undefined) return [...all.values()];
  const found = id === undefined ? [...all.values()].find((one) => one.url === url) : all.get(id);
  if (!found) throw unknown(id === undefined ? (url ?? '') : `ConceptMap/${id}`);
  return [found];
}

function* look(table: Table, { system, code = '' }: Coding, reverse: boolean): Generator<[Coding, string]> {
  if (reverse) {
    for (const one of table.reverse(system, code)) yield [one, 'equivalent'];
    return;
  }
  const { targets, outcome } = table.lookup(system, code);
  // What the table says of codes it does not know is no translation of this one.
  if (outcome === 'mapped') for (const one of targets) yield [one, 'equivalent'];
}
