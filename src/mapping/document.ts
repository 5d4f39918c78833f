import type { Decoded, Part, Places } from '../conversion.ts';
import type { Format } from '../message.ts';

type Step = string | number;
interface Node {
  parent: object | undefined;
  key: Step;
}

/** A tree being mapped and the names of its places. Built without cost; the index is made when first asked. */
export class MappedDocument {
  readonly tree: unknown;
  readonly format: Format;
  readonly parts: Part[];
  readonly bytes: Uint8Array | undefined;
  readonly contentType: string | undefined;
  /** Place of the whole document in its carrier; empty for the message itself. */
  readonly carrierPlace: string;
  /** See {@link Decoded.tied}. */
  readonly tied: ((place: string) => string[]) | undefined;
  /** Resources by what references call them, when the tree is a set of resources. */
  readonly references: ReadonlyMap<string, object> | undefined;
  private readonly places: Places | undefined;
  private index: Map<object, Node> | undefined;

  constructor(source: {
    tree: unknown;
    format: Format;
    parts: Part[];
    places?: Places;
    tied?: (place: string) => string[];
    bytes?: Uint8Array;
    contentType?: string;
    place?: string;
    references?: ReadonlyMap<string, object>;
  }) {
    this.tree = source.tree;
    this.format = source.format;
    this.parts = source.parts;
    this.places = source.places;
    this.tied = source.tied;
    this.bytes = source.bytes;
    this.contentType = source.contentType;
    this.carrierPlace = source.place ?? '';
    this.references = source.references;
  }

  /** True when the object or array belongs to the tree. */
  holds(owner: object): boolean {
    return this.nodes().has(owner);
  }

  /** What holds an object of the tree, and where. */
  parent(owner: object): { parent: object | undefined; key: Step } | undefined {
    return this.nodes().get(owner);
  }

  /** The path of a value from the root. */
  path(owner: object, key: Step): Step[] {
    const nodes = this.nodes();
    const path = [key];
    for (let node = nodes.get(owner); node?.parent; node = nodes.get(node.parent)) path.push(node.key);
    return path.reverse();
  }

  /**
   * The place of a value as the format's readers name it, after the place of the document in its carrier:
   * `OBX[1]-5/ClinicalDocument/id`. Empty for the whole message.
   */
  place(owner: object | undefined, key: Step): string {
    if (owner === undefined || !this.holds(owner)) return this.carrierPlace;
    return this.placeAt(this.path(owner, key), owner);
  }

  /** The same for a path that is known already. */
  placeAt(path: readonly Step[], owner: object | undefined): string {
    if (owner === undefined) return this.carrierPlace;
    const local = this.places ? this.places(path, owner) : pointer(path);
    if (this.carrierPlace === '') return local;
    return local.startsWith('/') ? this.carrierPlace + local : `${this.carrierPlace}/${local}`;
  }

  private nodes(): Map<object, Node> {
    this.index ??= indexTree(this.tree);
    return this.index;
  }
}

/** RFC 6901. */
export function pointer(path: readonly Step[]): string {
  let text = '';
  for (const step of path) {
    text += `/${typeof step === 'number' ? step : step.replaceAll('~', '~0').replaceAll('/', '~1')}`;
  }
  return text;
}

function indexTree(tree: unknown): Map<object, Node> {
  const index = new Map<object, Node>();
  if (tree === null || typeof tree !== 'object') return index;
  index.set(tree, { parent: undefined, key: '' });
  const waiting: object[] = [tree];
  while (waiting.length > 0) {
    const parent = waiting.pop()!;
    if (Array.isArray(parent)) {
      for (let key = 0; key < parent.length; key++) visit(index, waiting, parent, key, parent[key]);
    } else {
      for (const key in parent) visit(index, waiting, parent, key, (parent as Record<string, unknown>)[key]);
    }
  }
  return index;
}

function visit(index: Map<object, Node>, waiting: object[], parent: object, key: Step, child: unknown): void {
  if (child === null || typeof child !== 'object' || child instanceof Uint8Array || index.has(child)) return;
  index.set(child, { parent, key });
  waiting.push(child);
}
