import { hash } from 'node:crypto';
import type { ConceptMap } from '@medplum/fhirtypes';

/** One meaning of a code in the other system. */
export interface CodeTarget {
  system?: string;
  version?: string;
  code: string;
  display?: string;
}

/**
 * - `mapped`: the table knows the code (`targets` may be empty: known to have no counterpart)
 * - `fixed`: the table's answer for codes it does not know; still reported
 * - `provided`: the table says to keep codes it does not know; not reported
 * - `unmapped`: nobody has said anything
 */
export interface Lookup {
  outcome: 'mapped' | 'fixed' | 'provided' | 'unmapped';
  targets: CodeTarget[];
  /** The source system the table gives to codes that came without one. */
  system?: string;
}

const NO_COUNTERPART = new Set(['unmatched', 'disjoint']);

/**
 * What codes mean, by system, then code: one text for both would have to be made at each look-up. `''` as system stands for a
 * group that takes codes of any system; no system at all for codes that came without one.
 */
class Codes {
  private readonly systems = new Map<string | undefined, Map<string, CodeTarget[]>>();
  private readonly lists: CodeTarget[][] = [];

  get(system: string | undefined, code: string): CodeTarget[] | undefined {
    return this.systems.get(system)?.get(code);
  }

  /** Every list, in the order in which their codes were added. */
  all(): Iterable<CodeTarget[]> {
    return this.lists;
  }

  /** Adds the targets of a code that are not there yet. */
  add(system: string | undefined, code: string, targets: CodeTarget[]): void {
    const codes = this.systems.get(system) ?? new Map<string, CodeTarget[]>();
    this.systems.set(system, codes);
    const known = codes.get(code);
    if (known) {
      for (const one of targets)
        if (!known.some((old) => old.system === one.system && old.code === one.code)) known.push(one);
      return;
    }
    const list = [...targets];
    codes.set(code, list);
    this.lists.push(list);
  }
}

/** A ConceptMap (https://hl7.org/fhir/R4/conceptmap.html) indexed for both directions. */
export class CodeTable {
  readonly name: string;
  readonly version: string;
  readonly url: string | undefined;
  private readonly forward = new Codes();
  private readonly backward = new Codes();
  private readonly groups: { source: string | undefined; target: string | undefined }[];
  private readonly systemOfAll: string | undefined;
  private readonly unmapped: Lookup;
  /** Where each system has an answer of its own for codes the table does not know (ConceptMap.group.unmapped). */
  private readonly unmappedOf = new Map<string | undefined, Lookup>();

  constructor(name: string, map: ConceptMap) {
    this.name = name;
    this.url = map.url;
    this.version = hash('sha256', JSON.stringify(map)).slice(0, 16);
    const groups = map.group ?? [];
    this.groups = groups.map(({ source, target }) => ({ source, target }));
    const systems = new Set(groups.map((group) => group.source));
    this.systemOfAll = systems.size === 1 ? groups[0]?.source : undefined;
    for (const group of groups) {
      for (const element of group.element) this.add(group.source, group.target, element);
    }
    for (const group of groups) {
      const rule = unmappedRule(group, this.systemOfAll);
      if (rule) this.unmappedOf.set(group.source, rule);
    }
    // A table of one system takes every code for one of that system; of several, each system speaks for its own codes.
    const only = systems.size === 1 ? [...this.unmappedOf.values()][0] : this.unmappedOf.get(undefined);
    this.unmapped = only ?? { outcome: 'unmapped', targets: [], system: this.systemOfAll };
  }

  /** What a code becomes. Without a system, all groups are searched, the first that knows the code decides. */
  lookup(system: string | undefined, code: string): Lookup {
    const targets = this.forward.get(system, code) ?? (system ? this.forward.get('', code) : undefined);
    if (targets) return { outcome: 'mapped', targets, system: this.systemOfAll };
    return this.unmappedOf.get(system) ?? this.unmapped;
  }

  /** The codes that become this one. */
  reverse(system: string | undefined, code: string): CodeTarget[] {
    return this.backward.get(system, code) ?? [];
  }

  /** Systems the table translates from and to. */
  get systems(): { source: string | undefined; target: string | undefined }[] {
    return this.groups;
  }

  /** Every code on the target's side with its display. */
  *words(): Generator<Required<Omit<CodeTarget, 'version'>>> {
    for (const targets of this.forward.all()) {
      for (const { system, code, display } of targets) if (system && display) yield { system, code, display };
    }
  }

  private add(
    source: string | undefined,
    target: string | undefined,
    element: { code?: string; display?: string; target?: { code?: string; display?: string; equivalence?: string }[] },
  ): void {
    if (element.code === undefined) return;
    const targets: CodeTarget[] = [];
    for (const one of element.target ?? []) {
      if (one.code === undefined || NO_COUNTERPART.has(one.equivalence ?? '')) continue;
      targets.push({ system: target, code: one.code, display: one.display });
      const origin = { system: source, code: element.code, display: element.display };
      this.backward.add(target, one.code, [origin]);
      this.backward.add(undefined, one.code, [origin]);
    }
    this.forward.add(source, element.code, targets);
    if (source) this.forward.add(undefined, element.code, targets);
    if (!source) this.forward.add('', element.code, targets);
  }
}

type Group = NonNullable<ConceptMap['group']>[number];

function unmappedRule({ unmapped, target }: Group, system: string | undefined): Lookup | undefined {
  if (unmapped?.mode === 'provided') return { outcome: 'provided', targets: [], system };
  if (unmapped?.mode !== 'fixed' || !unmapped.code) return undefined;
  return { outcome: 'fixed', targets: [{ system: target, code: unmapped.code, display: unmapped.display }], system };
}
