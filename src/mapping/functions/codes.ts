import { warning } from '../../errors.ts';
import { RUN, type Run, report, type Slots, usedOnly } from '../run.ts';
import { type Compiled, fail, type Scope } from '../scope.ts';
import type { CodeTable, CodeTarget, Lookup } from '../tables.ts';
import { trailOf } from '../trail.ts';
import { isEmpty, items, object, text } from '../values.ts';
import type { MapFunction } from './function.ts';

/** A code of the source in the one shape this file works with. */
interface Coded {
  codings: CodeTarget[];
  text?: string;
  /** What a concept says besides (qualifiers); only a CodeableConcept has room for it. */
  extension?: unknown;
}

interface Coding {
  system?: string;
  version?: string;
  code?: string;
  display?: string;
}

const MAX_REPORTED = 200;
const CODING = ['system', 'version', 'code', 'display'];
const CONCEPT = [...CODING, 'text', 'originalText', 'extension'];

/**
 * `coding(system, code, display?)`: a Coding; nothing without a code. `coding(coded)` takes a reader's coded value.
 */
const coding: MapFunction = {
  args: [1, 3],
  type: 'Coding',
  call: (run, system, code, display) => (object(system) ? firstCoding(run, system) : makeCoding(system, code, display)),
};

/**
 * `cc(system, code, display?)`: a CodeableConcept with one coding. `cc('text')`: with text only. `cc(coded)`: from a
 * reader's `{system, code, display, text, translations}`, a Coding or a CodeableConcept, all codings and the text kept.
 */
const cc: MapFunction = {
  args: [1, 3],
  type: 'CodeableConcept',
  call: (run, system, code, display) => {
    if (object(system)) return codeableConcept(run, system);
    if (code === undefined && display === undefined) {
      // A system whose code came out empty (`cc(system, translate(…))`) is nothing, not a text.
      const words = text(system);
      return words === undefined || /^(urn:|https?:\/\/)\S+$/.test(words) ? undefined : { text: words };
    }
    const made = makeCoding(system, code, display);
    return made && { coding: [made] };
  },
};

/**
 * `translate(value, 'table', form?, default?)`: looks a code up in `codes-TABLE.json`.
 *
 * `value` is a code, a Coding, a CodeableConcept or a reader's coded value; the first of its codings that the table knows
 * decides. `form`: `code` (default), `system`, `display`, `Coding`, `CodeableConcept`. A code that nobody has mapped is
 * reported with its place; `Coding` and `CodeableConcept` then carry the original, the others give `default` or nothing. A
 * CodeableConcept always keeps the original coding behind the translated ones.
 */
const translate: MapFunction = {
  args: [2, 4],
  bind(args, scope) {
    const [value, , , fallback] = args as [Compiled, Compiled, Compiled?, Compiled?];
    const table = tableOf(args[1], scope);
    const form = args[2] ? String(args[2].literal) : 'code';
    const render = Object.hasOwn(forms, form) ? forms[form] : undefined;
    if (!render) return fail(`translate() gives code, system, display, Coding or CodeableConcept, not ${form}`);
    return {
      evaluate: (slots) => {
        const run = slots[RUN] as Run;
        const { owner, key } = run;
        run.owner = undefined;
        const coded = codedValue(run, value.evaluate(slots));
        const result =
          coded &&
          render(
            translated(run, table, coded, () => placeRead(slots, value)),
            coded,
          );
        if (owner !== undefined) {
          run.owner = owner;
          run.key = key;
        }
        return isEmpty(result) && fallback ? fallback.evaluate(slots) : result;
      },
      fresh: true,
      type: form === 'Coding' || form === 'CodeableConcept' ? form : undefined,
    };
  },
};

/** Functions of the mapping language that make codes, or look them up in tables. */
export const codeFunctions: Record<string, MapFunction> = { coding, c: coding, cc, translate };

function tableOf(arg: Compiled | undefined, scope: Scope): CodeTable {
  const name = arg?.literal;
  if (typeof name !== 'string') return fail('translate() wants the name of its table in quotes');
  return scope.environment.table(name) ?? fail(`there is no table mappings/codes-${name}.json`);
}

const forms: Record<string, (lookup: Lookup, coded: Coded) => unknown> = {
  code: ({ targets, outcome }, coded) =>
    targets[0]?.code ?? (outcome === 'provided' ? coded.codings[0]?.code : undefined),
  system: ({ targets }) => targets[0]?.system,
  display: ({ targets }) => targets[0]?.display,
  Coding: ({ targets, system }, coded) =>
    targets[0] ? clean(targets[0]) : coded.codings[0] && clean(coded.codings[0], system),
  CodeableConcept: ({ targets, system, outcome }, coded) => {
    const coding = targets.map((target) => clean(target));
    for (const original of coded.codings) {
      const own = clean(original, system);
      if (!coding.some((one) => one.code === own.code && one.system === own.system)) coding.push(own);
    }
    // What needs no translation gets no words it did not bring.
    const kept = outcome === 'provided' || (outcome === 'mapped' && targets.length === 0);
    const words = coded.text ?? (kept ? undefined : coded.codings[0]?.display);
    return {
      ...(coded.extension ? { extension: coded.extension } : {}),
      ...(coding.length > 0 ? { coding } : {}),
      ...(words ? { text: words } : {}),
    };
  },
};

/** Looks up, remembers the translation for the trace, reports what is unmapped. */
function translated(run: Run, table: CodeTable, coded: Coded, place: () => string): Lookup {
  let lookup: Lookup | undefined;
  for (const original of coded.codings) {
    const found = table.lookup(original.system, original.code);
    if (lookup?.outcome !== 'provided') lookup = found;
    if (found.outcome === 'mapped') {
      lookup = found;
      run.translation = { table: table.name, from: original, system: lookup.system, to: lookup.targets[0] };
      return lookup;
    }
  }
  const original = coded.codings[0];
  if (!lookup || !original) return { outcome: 'unmapped', targets: [] };
  if (lookup.outcome !== 'provided')
    reportUnmapped(run, table, { ...original, system: original.system ?? lookup.system }, place);
  return lookup;
}

/**
 * Where the value stood that the expression at work has read. Of a variable the way is known from its rule: the index of a
 * whole document, made for the first unmapped code, took as long as a quarter of its map.
 */
function placeRead(slots: Slots, { slot }: Compiled): string {
  const { document, owner, key } = slots[RUN] as Run;
  const trail = slot === undefined ? [] : trailOf(slots, slot);
  return trail.length > 0 ? document.placeAt(trail, owner) : document.place(owner, key);
}

function reportUnmapped(
  run: Run,
  table: CodeTable,
  { system, code, display }: CodeTarget,
  placeOf: () => string,
): void {
  const { unmapped, reported } = run.session;
  const name = `${table.name}|${system}|${code}`;
  if (reported.has(name)) return;
  reported.add(name);
  const place = placeOf();
  unmapped.push({
    system,
    code: code.slice(0, MAX_REPORTED),
    display: display?.slice(0, MAX_REPORTED),
    table: table.name,
    place,
  });
  report(run, warning('code-unmapped', { params: { table: `codes-${table.name}.json` } }), place);
}

/** Anything that carries a code, in one shape; undefined when it has neither code nor text. */
function codedValue(run: Run, value: unknown): Coded | undefined {
  const plain = text(value);
  if (plain !== undefined) return { codings: [{ code: plain }] };
  const one = object(value);
  if (!one) return undefined;
  const codings: CodeTarget[] = [];
  usedOnly(run, one, CONCEPT);
  addCoding(codings, one);
  if (one.coding !== undefined) addCodings(run, codings, one.coding);
  if (one.translations !== undefined) addCodings(run, codings, one.translations);
  const words = text(one.text) ?? text(one.originalText);
  const extension = one.extension ?? undefined;
  return codings.length > 0 || words !== undefined ? { codings, text: words, extension } : undefined;
}

function addCodings(run: Run, codings: CodeTarget[], sources: unknown): void {
  for (const source of items(sources)) {
    if (run.reads !== undefined) for (const name of CODING) run.reads.push(source, name);
    addCoding(codings, source as Coding);
  }
}

function addCoding(codings: CodeTarget[], { system, version, code, display }: Coding): void {
  if (code !== undefined && code !== null && code !== '')
    codings.push({ system, version, code: String(code), display });
}

/** A CodeableConcept with all codings of a value and its text. */
export function codeableConcept(run: Run, value: unknown): object | undefined {
  const coded = codedValue(run, value);
  if (!coded) return undefined;
  const coding = coded.codings.map((one) => clean(one));
  return { ...(coding.length > 0 ? { coding } : {}), ...(coded.text ? { text: coded.text } : {}) };
}

/** A Coding with FHIR's elements only. */
export function firstCoding(run: Run, value: unknown): object | undefined {
  const found = codedValue(run, value)?.codings[0];
  return found && clean(found);
}

function makeCoding(system: unknown, code: unknown, display: unknown): CodeTarget | undefined {
  const value = text(code);
  return value === undefined ? undefined : clean({ system: text(system), code: value, display: text(display) });
}

/** @param otherwise system of a code that came without one */
function clean({ system: own, version, code, display }: CodeTarget, otherwise?: string): CodeTarget {
  const coding = {} as CodeTarget;
  const system = own ?? otherwise;
  if (system) coding.system = system;
  if (version) coding.version = version;
  coding.code = code;
  if (display) coding.display = display;
  return coding;
}
