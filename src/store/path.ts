import { propertiesOf } from './structure.ts';

/**
 * A path into a resource, compiled once. Two notations are read: that of `tables/parameters.json`, where choices are written
 * out (`effective{DateTime,Period}`), and the part of FHIRPath that search parameters and FHIRPath patches are made of.
 */
export interface Path {
  /** Canonical text in the notation of the table; equal texts are equal paths. */
  text: string;
  steps: Step[];
  /** From `where(resolve() is Patient)`: only references to this type count. */
  target?: string;
}

/** One step of the FHIRPath subset by which search parameters name their elements. */
export type Step =
  | { kind: 'property'; names: string[] }
  | { kind: 'where'; name: string; value: string }
  | { kind: 'index'; at: number };

interface Raw {
  name?: string;
  choices?: string[];
  cast?: string;
  where?: [string, string];
  index?: number;
  target?: string;
}

const FORMS: [RegExp, (match: RegExpExecArray) => Raw[]][] = [
  [/extension\('([^']*)'\)/y, (match) => [{ name: 'extension' }, { where: ['url', match[1]!] }]],
  [/where\(\s*resolve\(\)\s+is\s+(\w+)\s*\)/y, (match) => [{ target: match[1]! }]],
  [/where\(\s*(\w+)\s*=\s*'([^']*)'\s*\)/y, (match) => [{ where: [match[1]!, match[2]!] }]],
  [/(?:ofType|as)\(\s*(?:FHIR\.)?(\w+)\s*\)/y, (match) => [{ cast: match[1]! }]],
  [/as\s+(?:FHIR\.)?(\w+)/y, (match) => [{ cast: match[1]! }]],
  [/first\(\)/y, () => [{ index: 0 }]],
  [/\[(\d{1,6})\]/y, (match) => [{ index: Number(match[1]) }]],
  [/:(\w+)/y, (match) => [{ target: match[1]! }]],
  [
    /(\w+)(?:\{([\w,]+)\})?(?!\()/y,
    (match) => [{ name: match[1]!, ...(match[2] ? { choices: match[2].split(',') } : {}) }],
  ],
];

function scan(text: string): Raw[] | undefined {
  const found: Raw[] = [];
  let at = 0;
  let depth = 0;
  while (at < text.length) {
    const character = text[at]!;
    if (character === ' ' || character === '.') at += 1;
    else if (character === '(') {
      depth += 1;
      at += 1;
    } else if (character === ')' && depth > 0) {
      depth -= 1;
      at += 1;
    } else {
      const next = scanOne(text, at);
      if (!next) return undefined;
      found.push(...next.raw);
      at = next.end;
    }
  }
  return depth === 0 ? found : undefined;
}

function scanOne(text: string, at: number): { raw: Raw[]; end: number } | undefined {
  for (const [form, make] of FORMS) {
    form.lastIndex = at;
    const match = form.exec(text);
    if (match) return { raw: make(match), end: form.lastIndex };
  }
  return undefined;
}

const capital = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);

/** Reads the notation of the table; the text has been generated, so it is always right. */
export function tablePath(text: string): Path {
  const path: Path = { text: text.replace(/:\w+$/, ''), steps: [] };
  for (const raw of scan(text) ?? []) {
    if (raw.target) path.target = raw.target;
    else if (raw.where) path.steps.push({ kind: 'where', name: raw.where[0], value: raw.where[1] });
    else if (raw.index !== undefined) path.steps.push({ kind: 'index', at: raw.index });
    else {
      const names = raw.choices ? raw.choices.map((choice) => raw.name + choice) : [raw.name!];
      path.steps.push({ kind: 'property', names });
    }
  }
  return path;
}

/**
 * Compiles one branch of a FHIRPath expression against a type: `CareTeam.period.end`, `extension('…').value as Address`,
 * `(Observation.value as Quantity)`, `subject.where(resolve() is Patient)`.
 * @returns undefined when the expression uses more of FHIRPath than that, or names an element the type does not have
 */
export function fhirPath(expression: string, type: string): Path | undefined {
  const raws = scan(expression.trim());
  if (!raws) return undefined;
  if (raws[0]?.name === type || raws[0]?.name === 'Resource' || raws[0]?.name === 'DomainResource') raws.shift();
  const steps: Step[] = [];
  let types = [type];
  let target: string | undefined;
  for (const raw of raws) {
    const last = steps.at(-1);
    if (raw.target) target = raw.target;
    else if (raw.where) steps.push({ kind: 'where', name: raw.where[0], value: raw.where[1] });
    else if (raw.index !== undefined) steps.push({ kind: 'index', at: raw.index });
    else if (raw.cast) {
      if (last?.kind !== 'property') return undefined;
      if (last.names.length > 1) {
        const wanted = commonPrefix(last.names) + capital(raw.cast);
        if (!last.names.includes(wanted)) return undefined;
        last.names = [wanted];
      }
      types = [raw.cast];
    } else {
      const found = types.flatMap((one) => propertiesOf(one, raw.name!) ?? []);
      if (!found.length) return undefined;
      steps.push({ kind: 'property', names: [...new Set(found.flatMap((one) => one.names))] });
      types = [...new Set(found.flatMap((one) => one.types))];
    }
  }
  return steps.length || raws.length === 0
    ? { text: serialise(steps), steps, ...(target ? { target } : {}) }
    : undefined;
}

/** `value[x]` of an extension has fifty types; its text need not name them. */
const ALL_TYPES = 40;

function serialise(steps: Step[]): string {
  return steps
    .map((step, index) => {
      const dot = index ? '.' : '';
      if (step.kind === 'where') return `${dot}where(${step.name}='${step.value}')`;
      if (step.kind === 'index') return `[${step.at}]`;
      if (step.names.length === 1) return dot + step.names[0];
      const shared = commonPrefix(step.names);
      if (step.names.length > ALL_TYPES) return `${dot}${shared}{*}`;
      return `${dot}${shared}{${step.names.map((name) => name.slice(shared.length)).join(',')}}`;
    })
    .join('');
}

/** The name before the types of a choice; '' for elements of several types that share none. */
function commonPrefix(names: string[]): string {
  let prefix = names[0]!;
  while (prefix && !names.every((name) => name.startsWith(prefix) && /^[A-Z]/.test(name.slice(prefix.length)))) {
    prefix = prefix.slice(0, -1);
  }
  return prefix;
}

/** Splits a FHIRPath union at `|` outside quotes and parentheses. */
export function union(expression: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let quoted = false;
  let start = 0;
  for (let at = 0; at < expression.length; at++) {
    const character = expression[at];
    if (character === "'") quoted = !quoted;
    else if (!quoted && character === '(') depth += 1;
    else if (!quoted && character === ')') depth -= 1;
    else if (!quoted && depth === 0 && character === '|') {
      parts.push(expression.slice(start, at));
      start = at + 1;
    }
  }
  return [...parts, expression.slice(start)].map((part) => part.trim()).filter(Boolean);
}

/** All values a path leads to, arrays flattened. Never throws, whatever the content looks like. */
export function follow(path: Path, node: unknown): unknown[] {
  const found: unknown[] = [];
  walk(node, path.steps, 0, found);
  return found;
}

function walk(node: unknown, steps: Step[], at: number, found: unknown[]): void {
  if (node === undefined || node === null) return;
  const step = steps[at];
  if (Array.isArray(node)) {
    if (step?.kind === 'index') walk(node[step.at], steps, at + 1, found);
    else for (const one of node) walk(one, steps, at, found);
  } else if (!step) found.push(node);
  else if (step.kind === 'index') {
    if (step.at === 0) walk(node, steps, at + 1, found);
  } else if (typeof node === 'object') {
    if (step.kind === 'where') {
      if ((node as Record<string, unknown>)[step.name] === step.value) walk(node, steps, at + 1, found);
    } else for (const name of step.names) walk((node as Record<string, unknown>)[name], steps, at + 1, found);
  }
}
