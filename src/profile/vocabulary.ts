import type { CodeSystem, CodeSystemConcept, ValueSet } from '@medplum/fhirtypes';
import type { Membership, Terminology } from './terminology.ts';

/** What is known of one code. */
export interface Concept {
  system: string;
  code: string;
  /** Title of the code system, its canonical when it has none. */
  name: string;
  version?: string;
  display?: string;
  definition?: string;
  designations: { language?: string; value: string }[];
}

/** A page of an expansion. */
export interface Expansion {
  /** Codes that fit, over all pages. */
  total: number;
  contains: { system?: string; code: string; display?: string }[];
  /** False when the set has more codes than are known here (a part of a system that is not loaded whole). */
  complete: boolean;
}

interface Word {
  display?: string;
  definition?: string;
  designations: Concept['designations'];
}

/**
 * Terminology as others ask for it: the very lists the examiner judges bindings by, with the words known for them: those of
 * the loaded code systems and value sets, and of the tables the maps translate by (`addWords`).
 */
export class Vocabulary {
  private readonly terminology: Terminology;
  private readonly words = new Map<string, Map<string, Word>>();
  private readonly titles = new Map<string, { name: string; version?: string }>();
  private readonly byId = new Map<string, string>();

  constructor(terminology: Terminology) {
    this.terminology = terminology;
  }

  /** Takes the words of a code system or value set. */
  add(resource: CodeSystem | ValueSet): void {
    const { url = '', id, title, name, version } = resource;
    if (id) this.byId.set(`${resource.resourceType}/${id}`, url);
    if (resource.resourceType === 'CodeSystem') {
      this.titles.set(url, { name: title ?? name ?? url, version });
      for (const one of flat(resource.concept)) {
        const designations = (one.designation ?? []).map(({ language, value }) => ({ language, value: value ?? '' }));
        this.word(url, one.code ?? '', { display: one.display, definition: one.definition, designations });
      }
      return;
    }
    for (const { system = '', concept = [] } of resource.compose?.include ?? []) {
      for (const { code = '', display } of concept) this.word(system, code, { display, designations: [] });
    }
  }

  /** Takes a display for a code nothing better is known of. */
  addWords(system: string, code: string, display: string): void {
    this.word(system, code, { display, designations: [] });
  }

  /** The canonical of a loaded definition by its id; undefined when there is none. */
  canonical(type: 'CodeSystem' | 'ValueSet', id: string): string | undefined {
    return this.byId.get(`${type}/${id}`);
  }

  /** Whether a code exists in its system; `unknown` when the system is not here, or not whole. */
  exists(system: string, code: string): Membership {
    return this.terminology.exists(system, code);
  }

  /** Whether a code is in a value set; undefined when the value set is not here. */
  holds(valueSet: string, system: string | undefined, code: string): Membership | undefined {
    if (!this.terminology.knows(valueSet)) return undefined;
    return system === undefined
      ? this.terminology.holdsBare(valueSet, code)
      : this.terminology.holds(valueSet, system, code);
  }

  /** True when there is anything here of that code system. */
  knowsSystem(system: string): boolean {
    // Of units and languages there is a grammar and no list: it knows that nothing is no code.
    return (
      this.words.has(system) || this.terminology.codesOf(system) !== undefined || this.exists(system, '') === 'out'
    );
  }

  /** What is known of a code; undefined when it is known not to exist or nothing is known of it. */
  concept(system: string, code: string): Concept | undefined {
    const found = this.words.get(system)?.get(code);
    const membership = this.terminology.exists(system, code);
    if (membership === 'out' || (membership === 'unknown' && !found)) return undefined;
    const title = this.titles.get(system);
    return {
      system,
      code,
      name: title?.name ?? system,
      version: title?.version,
      display: found?.display,
      definition: found?.definition,
      designations: found?.designations ?? [],
    };
  }

  /** The codes of a value set whose code or words contain `filter`; undefined when the value set is not here. */
  expand(valueSet: string, { filter = '', offset = 0, count = 1000 }): Expansion | undefined {
    const listed = this.terminology.list(valueSet);
    if (!listed) return undefined;
    const wanted = plain(filter);
    const fitting: Expansion['contains'] = [];
    for (const { system, code } of listed.codes) {
      const display = this.words.get(system)?.get(code)?.display;
      if (wanted && !plain(code).includes(wanted) && !plain(display ?? '').includes(wanted)) continue;
      fitting.push({ ...(system ? { system } : {}), code, ...(display ? { display } : {}) });
    }
    return { total: fitting.length, contains: fitting.slice(offset, offset + count), complete: listed.complete };
  }

  private word(system: string, code: string, word: Word): void {
    const known = this.words.get(system) ?? new Map<string, Word>();
    this.words.set(system, known);
    const before = known.get(code);
    if (!before?.definition && !before?.designations.length)
      known.set(code, { ...word, display: word.display ?? before?.display });
  }
}

function flat(concepts: CodeSystemConcept[] | undefined): CodeSystemConcept[] {
  return (concepts ?? []).flatMap((one) => [one, ...flat(one.concept)]);
}

/** Without accents and capitals: people search as they type. */
function plain(words: string): string {
  return words.normalize('NFD').replaceAll(/\p{M}/gu, '').toLowerCase();
}
