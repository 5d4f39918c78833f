/**
 * Regular expressions that come from profiles, run in time linear in the text.
 *
 * JavaScript's own engine backtracks, so an expression like `(a+)+$` and a hostile text would hang the gateway. This one
 * keeps the set of all states the expression can be in (Thompson's construction) and looks at each character once.
 * Not supported, and then reported as not judged: look-around, back-references, `\b`, `\p{…}`.
 */

import { type RegexTree, readRegex, Unsupported } from './regex-syntax.ts';

type Instruction =
  | { kind: 'character'; matches: (code: number) => boolean }
  | { kind: 'split'; to: number[] }
  | { kind: 'begin' }
  | { kind: 'end' }
  | { kind: 'match' };

const MOST_INSTRUCTIONS = 4000;
const MOST_WORK = 20_000_000;

function emit(tree: RegexTree, into: Instruction[]): void {
  if (into.length > MOST_INSTRUCTIONS) {
    throw new Unsupported();
  }
  switch (tree.kind) {
    case 'sequence':
      for (const part of tree.parts) {
        emit(part, into);
      }
      return;
    case 'either': {
      const split: Instruction = { kind: 'split', to: [] };
      into.push(split);
      const jumps: { kind: 'split'; to: number[] }[] = [];
      for (const part of tree.parts) {
        split.to.push(into.length);
        emit(part, into);
        const jump = { kind: 'split' as const, to: [] };
        into.push(jump);
        jumps.push(jump);
      }
      for (const jump of jumps) {
        jump.to.push(into.length);
      }
      return;
    }
    case 'repeat':
      emitRepeat(tree.part, tree.min, tree.max, into);
      return;
    default:
      into.push(tree);
  }
}

function emitRepeat(part: RegexTree, min: number, max: number, into: Instruction[]): void {
  for (let count = 0; count < min; count++) {
    emit(part, into);
  }
  if (max === Number.POSITIVE_INFINITY) {
    const start = into.length;
    const split: Instruction = { kind: 'split', to: [start + 1] };
    into.push(split);
    emit(part, into);
    into.push({ kind: 'split', to: [start] });
    split.to.push(into.length);
    return;
  }
  const exits: { kind: 'split'; to: number[] }[] = [];
  for (let count = min; count < max; count++) {
    const split = { kind: 'split' as const, to: [into.length + 1] };
    into.push(split);
    exits.push(split);
    emit(part, into);
  }
  for (const exit of exits) {
    exit.to.push(into.length);
  }
}

/** Adds a state and all that can be reached from it without a character. */
function reach(program: Instruction[], from: number, atBegin: boolean, atEnd: boolean, into: Set<number>): void {
  const waiting = [from];
  for (let state = waiting.pop(); state !== undefined; state = waiting.pop()) {
    if (into.has(state)) {
      continue;
    }
    into.add(state);
    const instruction = program[state] as Instruction;
    if (instruction.kind === 'split') {
      waiting.push(...instruction.to);
    } else if ((instruction.kind === 'begin' && atBegin) || (instruction.kind === 'end' && atEnd)) {
      waiting.push(state + 1);
    }
  }
}

function run(program: Instruction[], text: string, whole: boolean): boolean {
  let states = new Set<number>();
  reach(program, 0, true, text.length === 0, states);
  const last = program.length - 1;
  for (let at = 0; at < text.length; at++) {
    if (!whole && states.has(last)) {
      return true;
    }
    const code = text.charCodeAt(at);
    const next = new Set<number>();
    const atEnd = at === text.length - 1;
    for (const state of states) {
      const instruction = program[state] as Instruction;
      if (instruction.kind === 'character' && instruction.matches(code)) {
        reach(program, state + 1, false, atEnd, next);
      }
    }
    if (!whole) {
      reach(program, 0, false, atEnd, next);
    }
    states = next;
  }
  return states.has(last);
}

/** How many repetitions of no fixed length an expression has; Infinity for one, or a choice, inside another. */
function variableRepetitions(tree: RegexTree, inside = false): number {
  switch (tree.kind) {
    case 'either':
      if (inside) {
        return Number.POSITIVE_INFINITY;
      }
      return tree.parts.reduce((sum, part) => sum + variableRepetitions(part, inside), 0);
    case 'sequence':
      return tree.parts.reduce((sum, part) => sum + variableRepetitions(part, inside), 0);
    case 'repeat': {
      const variable = tree.min !== tree.max;
      if (inside && variable) {
        return Number.POSITIVE_INFINITY;
      }
      return variableRepetitions(tree.part, true) + (variable ? 1 : 0);
    }
    default:
      return 0;
  }
}

/**
 * With one repetition of no fixed length at most, tied to the start of the text, JavaScript's engine has nothing to try
 * twice and is a hundred times as fast.
 */
function native(pattern: string, tree: RegexTree, whole: boolean): RegExp | undefined {
  const tied = whole || (pattern.startsWith('^') && tree.kind === 'sequence');
  return tied && variableRepetitions(tree) <= 1 ? new RegExp(whole ? `^(?:${pattern})$` : pattern, 's') : undefined;
}

/** A test that tells whether a text matches; undefined when the text is too long for the work allowed. */
export type TextTest = (text: string) => boolean | undefined;

/**
 * Compiles an expression; undefined when it uses what is not supported.
 *
 * @param whole the entire text must match, not only a part of it
 */
export function textTest(pattern: string, whole: boolean): TextTest | undefined {
  try {
    const program: Instruction[] = [];
    const tree = readRegex(pattern);
    const fast = native(pattern, tree, whole);
    if (fast) {
      return (text) => fast.test(text);
    }
    emit(tree, program);
    program.push({ kind: 'match' });
    return (text) => (text.length * program.length <= MOST_WORK ? run(program, text, whole) : undefined);
  } catch (error) {
    if (error instanceof Unsupported) {
      return undefined;
    }
    throw error;
  }
}
