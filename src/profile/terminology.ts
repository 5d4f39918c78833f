import type { CodeSystem, CodeSystemConcept, ValueSet, ValueSetExpansionContains } from '@medplum/fhirtypes';
import { codeSystems, type SetRow, valueSets } from './r4/table.ts';
import { isUnit } from './ucum.ts';

/** System of units of measure. */
export const ucum = 'http://unitsofmeasure.org';
const languages = 'urn:ietf:bcp:47';

/** `unknown`: what would be needed to say yes or no is not at hand. */
export type Membership = 'in' | 'out' | 'unknown';

interface System {
  codes: Set<string>;
  /** Only a complete list can say that a code does not exist. */
  complete: boolean;
  insensitive: boolean;
}

interface Members {
  /** Codes by system; `all` when every code of the system is in. */
  systems: Map<string, Set<string> | 'all'>;
  /** Bare codes, for elements of type `code`, which carry no system. */
  codes: Set<string>;
  open: boolean;
}

/** Answers whether codes exist and belong: the code systems and value sets of R4 and of the loaded folders. */
export class Terminology {
  private readonly systems = new Map<string, System | null>();
  private readonly sets = new Map<string, Members | null>();
  private readonly ownSystems = new Map<string, CodeSystem>();
  private readonly ownSets = new Map<string, ValueSet>();

  /** Adds a code system or value set of a folder; it goes before R4's. */
  add(resource: CodeSystem | ValueSet): void {
    const url = resource.url ?? '';
    if (resource.resourceType === 'CodeSystem') {
      this.ownSystems.set(url, resource);
    } else {
      this.ownSets.set(url, resource);
    }
  }

  /** Whether a code exists in its system. */
  exists(system: string, code: string): Membership {
    if (system === ucum) {
      return isUnit(code) ? 'in' : 'out';
    }
    if (system === languages) {
      return isLanguage(code) ? 'in' : 'out';
    }
    const known = this.system(system);
    if (!known) {
      return 'unknown';
    }
    if (known.codes.has(known.insensitive ? code.toLowerCase() : code)) {
      return 'in';
    }
    return known.complete ? 'out' : 'unknown';
  }

  /** Whether a coding is in a value set. */
  holds(valueSet: string, system: string | undefined, code: string): Membership {
    const members = this.set(valueSet);
    if (!members) {
      return 'unknown';
    }
    const codes = system === undefined ? undefined : members.systems.get(system);
    if (codes === 'all') {
      const found = this.exists(system as string, code);
      return found === 'unknown' && !members.open ? 'out' : found;
    }
    if (codes?.has(code)) {
      return 'in';
    }
    return members.open ? 'unknown' : 'out';
  }

  /** Whether a bare code, of an element of type `code`, `string` or `uri`, is in a value set. */
  holdsBare(valueSet: string, code: string): Membership {
    const members = this.set(valueSet);
    if (!members) {
      return 'unknown';
    }
    if (members.codes.has(code)) {
      return 'in';
    }
    return members.open ? 'unknown' : 'out';
  }

  /** A few of a value set's codes, to tell a reader what would be right; empty when there are many. */
  examples(valueSet: string): string[] {
    const codes = [...(this.set(valueSet)?.codes ?? [])];
    return codes.length <= 12 ? codes : [];
  }

  /** Whether a value set is at hand. */
  knows(valueSet: string): boolean {
    return this.set(valueSet) !== undefined;
  }

  /** The codes known of a system; undefined when nothing of it is at hand. */
  codesOf(system: string): ReadonlySet<string> | undefined {
    return this.system(system)?.codes;
  }

  /** Every code of a value set that can be listed; undefined when the value set is not at hand. */
  list(valueSet: string): { codes: { system: string; code: string }[]; complete: boolean } | undefined {
    const members = this.set(valueSet);
    if (!members) return undefined;
    const codes = [...members.systems].flatMap(([system, some]) =>
      [...(some === 'all' ? (this.system(system)?.codes ?? []) : some)].map((code) => ({ system, code })),
    );
    return { codes, complete: !members.open };
  }

  private system(url: string): System | undefined {
    const known = this.systems.get(url);
    if (known !== undefined) {
      return known ?? undefined;
    }
    const own = this.ownSystems.get(url);
    const row = Object.hasOwn(codeSystems(), url) ? codeSystems()[url] : undefined;
    const insensitive = own ? own.caseSensitive === false : row?.i === 1;
    const codes = own ? flatten(own.concept) : (row?.codes ?? []);
    const complete = own ? own.content === 'complete' : row?.c === undefined;
    const made =
      own || row
        ? { codes: new Set(insensitive ? codes.map((one) => one.toLowerCase()) : codes), complete, insensitive }
        : undefined;
    if (made || this.systems.size < 2000) {
      this.systems.set(url, made ?? null);
    }
    return made;
  }

  private set(url: string): Members | undefined {
    const known = this.sets.get(url);
    if (known !== undefined) {
      return known ?? undefined;
    }
    const members = this.members(url, []);
    this.sets.set(url, members ?? null);
    return members;
  }

  private members(url: string, seen: string[]): Members | undefined {
    const own = this.ownSets.get(url);
    if (own) {
      return this.compose(own, [...seen, url]);
    }
    const row = Object.hasOwn(valueSets(), url) ? valueSets()[url] : undefined;
    return row && this.fromRow(row);
  }

  private fromRow(row: SetRow): Members {
    const members: Members = { systems: new Map(), codes: new Set(), open: row.open === 1 };
    for (const [system, codes] of row.parts) {
      this.include(members, system, codes === 0 ? undefined : codes);
    }
    return members;
  }

  /** Adds codes of a system; without a list, all of them. */
  private include(members: Members, system: string, codes: string[] | undefined): void {
    const all = codes ?? [...(this.system(system)?.codes ?? [])];
    const listable = codes !== undefined || this.system(system)?.complete === true;
    const before = members.systems.get(system);
    if (codes === undefined) {
      members.systems.set(system, 'all');
    } else if (before !== 'all') {
      members.systems.set(system, new Set([...(before ?? []), ...codes]));
    }
    for (const code of all) {
      members.codes.add(code);
    }
    members.open ||= !listable;
  }

  private compose(set: ValueSet, seen: string[]): Members {
    const members: Members = { systems: new Map(), codes: new Set(), open: false };
    if (set.expansion?.contains) {
      const bySystem = Map.groupBy(listed(set.expansion.contains), (one) => one.system ?? '');
      for (const [system, concepts] of bySystem) {
        this.include(
          members,
          system,
          concepts.map((one) => one.code ?? ''),
        );
      }
      return members;
    }
    for (const part of set.compose?.include ?? []) {
      for (const url of part.valueSet ?? []) {
        const inner = seen.includes(url) ? undefined : this.members(url.split('|')[0] as string, seen);
        members.open ||= inner?.open !== false;
        for (const [system, codes] of inner?.systems ?? []) {
          this.include(members, system, codes === 'all' ? undefined : [...codes]);
        }
      }
      if (part.system && part.filter) {
        members.open = true;
      } else if (part.system) {
        this.include(
          members,
          part.system,
          part.concept?.map((one) => one.code ?? ''),
        );
      }
    }
    members.open ||= set.compose?.exclude !== undefined;
    return members;
  }
}

function flatten(concepts: CodeSystemConcept[] | undefined): string[] {
  return (concepts ?? []).flatMap((one) => [one.code ?? '', ...flatten(one.concept)]);
}

function listed(contains: ValueSetExpansionContains[]): ValueSetExpansionContains[] {
  return contains.flatMap((one) => [...(one.abstract ? [] : [one]), ...listed(one.contains ?? [])]);
}

/** A language tag as BCP 47 writes it: a language ISO lists, then perhaps a script and a country or area. */
export function isLanguage(tag: string): boolean {
  let known = tags.get(tag);
  if (known === undefined) {
    known = isListedLanguage(tag);
    if (known && tags.size < 1000) {
      tags.set(tag, known);
    }
  }
  return known;
}

/** Tags met before: the lists of languages and countries are long. */
const tags = new Map<string, boolean>();

function isListedLanguage(tag: string): boolean {
  const match = /^([a-z]{2,3})(?:-[A-Z][a-z]{3})?(?:-([A-Z]{2}|\d{3}))?$/.exec(tag);
  if (!match) {
    return false;
  }
  const [, language, area] = match;
  const countries = codeSystems()['urn:iso:std:iso:3166']?.codes ?? [];
  const known = codeSystems()[languages]?.codes.includes(language as string) === true;
  return known && (area === undefined || /^\d/.test(area) || countries.includes(area));
}
