import type { Account, Draft } from '../conversion.ts';
import { type Fault, warning } from '../errors.ts';
import type { MappedDocument } from './document.ts';
import type { DraftOf } from './drafts.ts';
import type { RawTrace, Session } from './run.ts';
import { indexDrafts, spotOf } from './traces.ts';

/** A declared reason for not mapping a value. */
export interface IgnoreRule {
  /** Pattern over places, and all below: `*` any text within one step, `**` any steps; an index may be left out. */
  place: string;
  reason: string;
  /** The file it stands in. */
  file?: string;
}

/** What happened to one value. */
interface Fate {
  kind: 'mapped' | 'kept';
  where: string;
}

const SHOWN = 60;

/**
 * Says of every value of the sources what became of it: mapped to an element, kept verbatim somewhere, ignored by a
 * declared rule, or none of these. The sum of the four lists is the whole of the trees.
 */
export function account(
  session: Session,
  documents: { document: MappedDocument; map: string; ignore: IgnoreRule[] }[],
  drafts: Draft[],
  draftOf: DraftOf,
): { account: Account; faults: Fault[] } {
  const result: Account = { mapped: [], kept: [], ignored: [], fallen: [] };
  const faults: Fault[] = [];
  const fates = gatherFates(session, drafts, draftOf);
  for (const { document, map, ignore } of documents) {
    const patterns = ignore.map((rule) => ({ rule, matches: placeMatcher(rule.place) }));
    const values = gatherValues(document, fates);
    const along = gatherTied(document, values);
    for (const [place, { value, fate: own }] of values) {
      const beside = along.get(place);
      const fate = own && (own.kind === 'mapped' || beside?.kind !== 'mapped') ? own : beside;
      if (fate?.kind === 'mapped') result.mapped.push({ place, target: fate.where });
      else {
        const local = place.slice(document.carrierPlace.length);
        const ignored = patterns.find(({ matches }) => matches(local));
        if (fate) result.kept.push({ place, where: fate.where });
        else if (ignored)
          result.ignored.push({ place, rule: ignored.rule.file ?? `ignore-${map}.json`, reason: ignored.rule.reason });
        else {
          result.fallen.push({ place, value: shown(value) });
          faults.push(warning('value-fallen', { place, params: { map } }));
        }
      }
    }
  }
  return { account: result, faults };
}

/**
 * Every value of a document once, by its place: a reader may offer one value in several forms (the components of an HL7 v2
 * field and the FHIR Identifier made of them), and it is enough that a map took one of them.
 */
function gatherValues(document: MappedDocument, fates: Fates): Map<string, { value: unknown; fate?: Fate }> {
  const values = new Map<string, { value: unknown; fate?: Fate }>();
  eachLeaf(document.tree, undefined, '', (owner, key, value) => {
    const place = document.place(owner, key);
    const fate = fateOf(fates, document, owner, key);
    const known = values.get(place);
    if (!known) values.set(place, { value, fate });
    else if (fate && known.fate?.kind !== 'mapped') known.fate = fate;
  });
  return values;
}

/** What became of the values that go along with others, see `Decoded.tied`. */
function gatherTied({ tied }: MappedDocument, values: Map<string, { fate?: Fate }>): Map<string, Fate> {
  const along = new Map<string, Fate>();
  if (!tied) return along;
  for (const [place, { fate }] of values) {
    if (fate) for (const other of tied(place)) if (along.get(other)?.kind !== 'mapped') along.set(other, fate);
  }
  return along;
}

type Fates = Map<object | undefined, Map<string | number, Fate>>;

function gatherFates({ traces, entries }: Session, drafts: Draft[], draftOf: DraftOf): Fates {
  const fates: Fates = new Map();
  const kept = new Set<object | undefined>(entries.map((entry) => entry.kept));
  const spots = indexDrafts(drafts);
  for (const trace of traces) {
    if (!trace.reads) continue;
    const where = whereOf(trace, spots, draftOf);
    const kind = kept.has(trace.target) ? 'kept' : 'mapped';
    setFates(fates, trace.reads, { kind, where });
  }
  for (const trace of traces) {
    if (trace.conditions) setFates(fates, trace.conditions, { kind: 'mapped', where: whereOf(trace, spots, draftOf) });
  }
  return fates;
}

function setFates(fates: Fates, reads: unknown[], fate: Fate): void {
  for (let index = 0; index < reads.length; index += 2) {
    setFate(fates, reads[index] as object | undefined, reads[index + 1] as string | number, fate);
  }
}

function setFate(fates: Fates, owner: object | undefined, key: string | number, fate: Fate): void {
  const known = fates.get(owner) ?? new Map<string | number, Fate>();
  if (known.get(key)?.kind !== 'mapped') known.set(key, fate);
  fates.set(owner, known);
}

function whereOf(trace: RawTrace, spots: ReturnType<typeof indexDrafts>, draftOf: DraftOf): string {
  const spot = spotOf(trace, spots, draftOf);
  return spot ? `${spot.draft.fullUrl}#${spot.path}` : `${trace.rule.map}.map#${trace.rule.rule}`;
}

/** The nearest that is known: the value itself, or anything it is a part of. */
function fateOf(fates: Fates, document: MappedDocument, owner: object, key: string | number): Fate | undefined {
  let found: Fate | undefined;
  let holder: object | undefined = owner;
  let step: string | number = key;
  while (holder !== undefined) {
    const fate = fates.get(holder)?.get(step);
    if (fate?.kind === 'mapped') return fate;
    found ??= fate;
    const up = document.parent(holder);
    holder = up?.parent;
    step = up?.key ?? '';
  }
  return found ?? fates.get(undefined)?.get('');
}

function eachLeaf(
  value: unknown,
  owner: object | undefined,
  key: string | number,
  visit: (owner: object, key: string | number, value: unknown) => void,
): void {
  if (value === undefined || value === null || value === '') return;
  if (typeof value !== 'object' || value instanceof Uint8Array) {
    if (owner !== undefined) visit(owner, key, value);
  } else if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index++) eachLeaf(value[index], value, index, visit);
  } else {
    for (const name in value) eachLeaf((value as Record<string, unknown>)[name], value, name, visit);
  }
}

function shown(value: unknown): string {
  return value instanceof Uint8Array ? `${value.length} bytes` : String(value).slice(0, SHOWN);
}

const INDEX = /\[\d+\]/g;

/** Compiles a place pattern. Linear: steps are compared one by one, `**` tries each rest once. */
export function placeMatcher(pattern: string): (place: string) => boolean {
  const indexed = pattern.includes('[');
  const wanted = cut(pattern);
  return (place) => {
    const steps = cut(indexed ? place : place.replaceAll(INDEX, ''));
    return matchSteps(wanted, 0, steps, 0) || matchSteps(wanted, 0, withoutNumbers(steps), 0);
  };
}

function cut(place: string): string[] {
  return place.split(/[/.]/).filter((step) => step !== '');
}

/** JSON pointers write indexes as steps. */
function withoutNumbers(steps: string[]): string[] {
  return steps.filter((step) => !/^\d+$/.test(step));
}

function matchSteps(wanted: string[], at: number, steps: string[], from: number): boolean {
  if (at === wanted.length) return true;
  const pattern = wanted[at]!;
  if (pattern === '**') {
    for (let rest = from; rest <= steps.length; rest++) if (matchSteps(wanted, at + 1, steps, rest)) return true;
    return false;
  }
  return from < steps.length && matchStep(pattern, steps[from]!) && matchSteps(wanted, at + 1, steps, from + 1);
}

function matchStep(pattern: string, step: string): boolean {
  const pieces = pattern.split('*');
  if (pieces.length === 1) return pattern === step;
  if (!step.startsWith(pieces[0]!) || !step.endsWith(pieces.at(-1)!)) return false;
  let at = pieces[0]!.length;
  for (const piece of pieces.slice(1, -1)) {
    const found = step.indexOf(piece, at);
    if (found < 0) return false;
    at = found + piece.length;
  }
  return at <= step.length - pieces.at(-1)!.length;
}
