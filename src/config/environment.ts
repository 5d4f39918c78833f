import type { Words } from '../errors/entry.ts';
import { type Fault, fault, warning } from '../errors.ts';

/** The environment a program was started with; `process.env` at the edge. */
export type Environment = Readonly<Record<string, string | undefined>>;

type Raw = Record<string, unknown>;

/** The variables of the outward contract and the setting each stands for. PASSERELLE_MLLP belongs to a door, see below. */
const variables: Record<string, string[]> = {
  PASSERELLE_DATA: ['data'],
  PASSERELLE_HTTP: ['http', 'listen'],
  PASSERELLE_FHIR: ['fhir', 'server'],
  PASSERELLE_JOURNAL: ['journal'],
  PASSERELLE_LOG: ['log', 'level'],
};
const others = ['PASSERELLE_CONFIG', 'PASSERELLE_MLLP'];

/**
 * Puts the environment's values over those of the file, in place. Any setting can be given as
 * `PASSERELLE__limits__messageBytes=1048576` (JSON where it parses, else text); an empty variable is as good as none.
 * A PASSERELLE_ variable that means nothing is a warning: it is most often a slip of the pen.
 */
export function overrideByEnvironment(raw: Raw, environment: Environment, defaultDoors: unknown[]): Fault[] {
  const faults: Fault[] = [];
  for (const [name, value] of Object.entries(environment)) {
    if (!name.startsWith('PASSERELLE_') || value === undefined || value === '') continue;
    if (name.startsWith('PASSERELLE__')) {
      const path = name.slice('PASSERELLE__'.length).split('__');
      if (!set(raw, path, parsed(value)))
        faults.push(fault('config-invalid', params(name, { fr: 'ne nomme aucun réglage', en: 'names no setting' })));
    } else if (variables[name]) {
      set(raw, variables[name], value);
    } else if (!others.includes(name)) {
      const known = [...Object.keys(variables), ...others].join(', ');
      faults.push(
        warning(
          'config-invalid',
          params(name, { fr: `inconnue ; connues : ${known}`, en: `is not known; known are ${known}` }),
        ),
      );
    }
  }
  const mllp = environment.PASSERELLE_MLLP;
  if (mllp) listenOnMllp(raw, mllp, defaultDoors);
  return faults;
}

function params(setting: string, problem: Words) {
  return { params: { setting, problem } };
}

function parsed(value: string): unknown {
  try {
    return JSON.parse(value);
  } catch {
    return value;
  }
}

function set(raw: Raw, path: string[], value: unknown): boolean {
  if (path.some((step) => step === '' || ['__proto__', 'constructor', 'prototype'].includes(step))) return false;
  let at = raw;
  for (const step of path.slice(0, -1)) {
    const next = at[step];
    if (typeof next !== 'object' || next === null || Array.isArray(next)) at[step] = {};
    at = at[step] as Raw;
  }
  at[path.at(-1) as string] = value;
  return true;
}

function listenOnMllp(raw: Raw, listen: string, defaultDoors: unknown[]): void {
  if (!Array.isArray(raw.doors)) raw.doors = structuredClone(defaultDoors);
  const doors = raw.doors as unknown[];
  const isMllp = (door: unknown): door is Raw => typeof door === 'object' && (door as Raw | null)?.type === 'mllp';
  const first = doors.find(isMllp);
  if (first) first.listen = listen;
  else doors.push({ name: 'mllp', type: 'mllp', listen });
}
