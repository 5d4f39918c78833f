import type { CodeSystem, CodeSystemConcept, ValueSet, ValueSetComposeInclude } from '@medplum/fhirtypes';
import { addedCodes } from './r4-departures.ts';

/** Codes of one system; `c` is the status of the list when it is not complete, `i` that case does not matter. */
export interface SystemRow {
  codes: string[];
  c?: string;
  i?: 1;
}

/** One part of a value set: a system and its codes, or 0 for all of its codes. */
export type SetPart = [system: string, codes: string[] | 0];

/** A value set; `open` when a part of it cannot be listed (SNOMED CT filters, mime types …). */
export interface SetRow {
  parts: SetPart[];
  open?: 1;
}

function flatten(concepts: CodeSystemConcept[] | undefined, into: CodeSystemConcept[] = []): CodeSystemConcept[] {
  for (const concept of concepts ?? []) {
    into.push(concept);
    flatten(concept.concept, into);
  }
  return into;
}

function systemRow(system: CodeSystem): SystemRow {
  const added = addedCodes[system.url ?? ''] ?? [];
  const codes = flatten(system.concept).map((one) => one.code ?? '');
  return {
    codes: [...new Set(codes)].filter((code) => !added.includes(code)),
    ...(system.content === 'complete' ? {} : { c: system.content }),
    ...(system.caseSensitive === false ? { i: 1 as const } : {}),
  };
}

/** Code and all codes below it, by nesting and by the `subsumedBy` property that v3 uses. */
function below(system: CodeSystem, root: string): Set<string> {
  const all = flatten(system.concept);
  const found = new Set([root]);
  for (let before = -1; before !== found.size; ) {
    before = found.size;
    for (const concept of all) {
      const parents = (concept.property ?? []).filter((one) => one.code === 'subsumedBy').map((one) => one.valueCode);
      if (parents.some((parent) => parent !== undefined && found.has(parent))) {
        found.add(concept.code ?? '');
      }
      if (found.has(concept.code ?? '')) {
        for (const child of flatten(concept.concept)) {
          found.add(child.code ?? '');
        }
      }
    }
  }
  return found;
}

/**
 * The tables of codes: every code system of R4, every value set, with its filters worked out.
 *
 * @param definitions ValueSets and CodeSystems of R4; versioned duplicates (`…|2.6`) are left out.
 * @param extra systems R4 only names (countries, currencies, primary languages of BCP 47).
 */
export function codeTables(definitions: object[], extra: object[]) {
  const all = [...definitions, ...extra] as (CodeSystem | ValueSet)[];
  const systems = new Map<string, CodeSystem>();
  const sets = new Map<string, ValueSet>();
  for (const one of all) {
    const url = one.url ?? '';
    if (one.resourceType === 'CodeSystem' && !url.includes('|') && !systems.has(url)) {
      systems.set(url, one);
    }
    if (one.resourceType === 'ValueSet' && !url.includes('|') && definitions.includes(one) && !sets.has(url)) {
      sets.set(url, one);
    }
  }

  function codesOf(include: ValueSetComposeInclude): SetPart | undefined {
    const system = systems.get(include.system ?? '');
    if (include.concept) {
      return [include.system ?? '', include.concept.map((one) => one.code ?? '')];
    }
    if (system?.content !== 'complete') {
      return undefined;
    }
    if (!include.filter) {
      return [include.system ?? '', 0];
    }
    const every = systemRow(system).codes;
    let kept = new Set(every);
    for (const filter of include.filter) {
      const tree = below(system, filter.value ?? '');
      if (filter.op === 'is-a') {
        kept = new Set([...kept].filter((code) => tree.has(code)));
      } else if (filter.op === 'descendent-of') {
        kept = new Set([...kept].filter((code) => tree.has(code) && code !== filter.value));
      } else if (filter.op === 'is-not-a') {
        kept = new Set([...kept].filter((code) => !tree.has(code)));
      } else {
        return undefined;
      }
    }
    return [include.system ?? '', [...kept]];
  }

  function expand(set: ValueSet, seen: string[]): SetRow {
    const parts: SetPart[] = [];
    let open = false;
    for (const include of set.compose?.include ?? []) {
      for (const url of include.valueSet ?? []) {
        const inner = sets.get(url.split('|')[0] as string);
        if (inner && !seen.includes(url)) {
          const row = expand(inner, [...seen, url]);
          parts.push(...row.parts);
          open ||= row.open === 1;
        } else {
          open = true;
        }
      }
      if (include.system) {
        const part = codesOf(include);
        open ||= part === undefined;
        parts.push(...(part ? [part] : []));
      }
    }
    const without = (set.compose?.exclude ?? []).map(codesOf);
    const left = parts.map(([system, codes]): SetPart => {
      const out = without.filter((one) => one?.[0] === system).flatMap((one) => one?.[1] || []);
      if (out.length === 0) {
        return [system, codes];
      }
      const every = codes === 0 ? systemRow(systems.get(system) as CodeSystem).codes : codes;
      return [system, every.filter((code) => !out.includes(code))];
    });
    return { parts: left, ...(open || parts.length === 0 ? { open: 1 as const } : {}) };
  }

  return {
    systems: Object.fromEntries([...systems].map(([url, system]) => [url, systemRow(system)])),
    sets: Object.fromEntries([...sets].map(([url, set]) => [url, expand(set, [url])])),
  };
}
