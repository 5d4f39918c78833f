import type { ElementDefinition, StructureDefinition } from '@medplum/fhirtypes';
import { baseElements, core, isResourceType, profileRow, rowOf } from './r4/table.ts';
import { makeSnapshot, SnapshotError } from './snapshot.ts';
import { type ElementNode, treeOf } from './tree.ts';

/** A profile or extension definition as the examiner uses it. */
export interface Definition {
  url: string;
  /** Type it constrains: `Observation`, `Extension`, `Quantity`. */
  type: string;
  base: string;
  version?: string;
  context?: { type: string; expression: string }[];
  contextInvariant?: string[];
  snapshot?: ElementDefinition[];
  differential: ElementDefinition[];
}

const deepest = 20;

/** The definitions at hand: those of the folders, then those R4 publishes; snapshots and trees are made when needed. */
export class DefinitionStore {
  private readonly own = new Map<string, Definition>();
  private readonly snapshots = new Map<string, ElementDefinition[]>();
  private readonly trees = new Map<string, ElementNode>();
  private readonly ancestors = new Map<string, Set<string>>();
  private depth = 0;

  add(definition: StructureDefinition): void {
    this.own.set(definition.url ?? '', {
      url: definition.url ?? '',
      type: definition.type ?? '',
      base: definition.baseDefinition ?? '',
      version: definition.version,
      context: definition.context?.map((one) => ({ type: one.type ?? '', expression: one.expression ?? '' })),
      contextInvariant: definition.contextInvariant,
      snapshot: definition.snapshot?.element,
      differential: definition.differential?.element ?? [],
    });
  }

  /** Canonicals of the folders' definitions. */
  urls(): string[] {
    return [...this.own.keys()];
  }

  find(url: string): Definition | undefined {
    const known = this.own.get(url);
    if (known) {
      return known;
    }
    const row = profileRow(url);
    return (
      row && {
        url,
        type: row.type,
        base: row.base,
        version: '4.0.1',
        context: row.context?.map(([type, expression]) => ({ type, expression })),
        contextInvariant: row.invariant,
        differential: row.diff,
      }
    );
  }

  /** The resource or data type a canonical is about, R4's own types included. */
  typeOf(url: string): string | undefined {
    const name = url.startsWith(core) ? url.slice(core.length) : '';
    return rowOf(name) ? name : this.find(url)?.type;
  }

  /** Whether a canonical's version (`…|1.0.0`), when it has one, is that of the definition at hand. */
  isThisVersion(canonical: string): boolean {
    const [url, version] = canonical.split('|') as [string, string | undefined];
    const known = this.find(url)?.version ?? (this.isBaseType(url) ? '4.0.1' : undefined);
    return version === undefined || known === undefined || known === version;
  }

  /** Whether a definition is another one or derives from it. */
  derives(url: string, from: string): boolean {
    let known = this.ancestors.get(url);
    if (!known) {
      known = this.ancestorsOf(url);
      if (this.own.has(url)) {
        this.ancestors.set(url, known);
      }
    }
    return known.has(from);
  }

  private ancestorsOf(url: string): Set<string> {
    const found = new Set<string>();
    let at: string | undefined = url;
    for (let steps = 0; at !== undefined && steps < deepest; steps++) {
      found.add(at);
      at = this.find(at)?.base;
    }
    return found;
  }

  /**
   * The snapshot of a definition: its own, or made from its differential.
   *
   * @throws SnapshotError when there is none to be had.
   */
  snapshot(url: string): ElementDefinition[] {
    const known = this.snapshots.get(url);
    if (known) {
      return known;
    }
    const definition = this.find(url);
    if (!definition) {
      throw new SnapshotError(url, 'the definition is not loaded');
    }
    const made = definition.snapshot ?? this.make(definition);
    this.snapshots.set(url, made);
    return made;
  }

  /** Lays a definition's differential over the snapshot of its base. */
  make(definition: Definition): ElementDefinition[] {
    if (++this.depth > deepest) {
      this.depth = 0;
      throw new SnapshotError(definition.url, 'definitions rest on each other in a circle');
    }
    const made = makeSnapshot(this.baseOf(definition), definition.differential, {
      type: (name) => (rowOf(name) ? baseElements(name) : undefined),
      profile: (url) => (this.find(url) ? this.snapshot(url) : undefined),
    });
    this.depth--;
    return made;
  }

  private baseOf(definition: Definition): ElementDefinition[] {
    const name = definition.base.startsWith(core) ? definition.base.slice(core.length) : '';
    if (rowOf(name)) {
      return baseElements(name);
    }
    if (!this.find(definition.base)) {
      throw new SnapshotError(definition.url, `its base ${definition.base} is not loaded`);
    }
    return this.snapshot(definition.base);
  }

  /** The snapshot as a tree. @throws SnapshotError */
  tree(url: string): ElementNode {
    const known = this.trees.get(url);
    if (known) {
      return known;
    }
    const made = treeOf(this.snapshot(url));
    this.trees.set(url, made);
    return made;
  }

  /** Whether a canonical is that of a plain R4 type. */
  isBaseType(url: string): boolean {
    return (
      url.startsWith(core) && (isResourceType(url.slice(core.length)) || rowOf(url.slice(core.length)) !== undefined)
    );
  }
}
