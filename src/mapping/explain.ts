import type { Conversion, Trace } from '../conversion.ts';

/** Where one element came from, with a sentence for people. */
export interface Explanation extends Trace {
  /** Content hash of the map. */
  version: string;
  sentence: { en: string; fr: string };
}

/**
 * Says where an element of a draft came from: the trace of exactly this path; or of the nearest element above it, when a rule
 * wrote it as a whole; and those of all that is below. Without a path, every element of the resource.
 *
 * @param target fullUrl of the draft
 * @param path FHIRPath-like, `valueQuantity.value`, `name[0].family`; `name` means all repetitions
 */
export function explain(conversion: Pick<Conversion, 'traces' | 'maps'>, target: string, path = ''): Explanation[] {
  const own = conversion.traces.filter((trace) => trace.target === target);
  const wanted = steps(path);
  const below = own.filter((trace) => startsWith(steps(trace.path), wanted));
  const chosen = below.length > 0 ? below : nearestAbove(own, wanted);
  return chosen.map((trace) => explained(trace, conversion.maps[trace.map] ?? 'unknown'));
}

function steps(path: string): string[] {
  return path.split(/[.[\]]/).filter((step) => step !== '');
}

/** `name` covers `name[0]`: a missing index stands for any. */
function startsWith(path: string[], wanted: string[]): boolean {
  let at = 0;
  for (const step of wanted) {
    if (isIndex(path[at]) && !isIndex(step)) at++;
    if (path[at] !== step) return false;
    at++;
  }
  return true;
}

function isIndex(step: string | undefined): boolean {
  return step !== undefined && /^\d+$/.test(step);
}

function nearestAbove(traces: Trace[], wanted: string[]): Trace[] {
  for (let length = wanted.length - 1; length > 0; length--) {
    const found = traces.filter((trace) => {
      const path = steps(trace.path);
      return (
        path.length > 0 &&
        startsWith(path, wanted.slice(0, length)) &&
        startsWith(wanted, withoutLoneIndex(path, wanted))
      );
    });
    if (found.length > 0) return found;
  }
  return traces.filter((trace) => trace.path === '');
}

/** When the question leaves an index out, the answer's index does not count. */
function withoutLoneIndex(path: string[], wanted: string[]): string[] {
  return wanted.some(isIndex) ? path : path.filter((step) => !isIndex(step));
}

function explained(trace: Trace, version: string): Explanation {
  const { path, place, map, rule, translation } = trace;
  const element = path === '' ? 'resource' : path;
  const where = place === '' ? { en: 'the message as a whole', fr: 'le message entier' } : { en: place, fr: place };
  const code = translation && {
    en: `; table ${translation.table} translated ${translation.from} to ${translation.to}`,
    fr: ` ; la table ${translation.table} a traduit ${translation.from} en ${translation.to}`,
  };
  return {
    ...trace,
    version,
    sentence: {
      en: `${element} comes from ${where.en}, written by rule ${rule} of ${map}.map (version ${version})${code?.en ?? ''}.`,
      fr: `${element} vient de ${where.fr}, écrit par la règle ${rule} de ${map}.map (version ${version})${code?.fr ?? ''}.`,
    },
  };
}
