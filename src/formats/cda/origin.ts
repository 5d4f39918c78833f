import type { XmlElement } from '../xml/index.ts';
import type { CdaNode } from './tree.ts';

class Given {
  constructor(node: CdaNode) {
    // biome-ignore lint/correctness/noConstructorReturn: a class that extends this puts its private slots into the node
    return node;
  }
}

/**
 * The element an object of the tree came from, to name places. It stands in a private slot of the object, where maps do not
 * see it: a Map of all objects of a document took a tenth of reading it.
 */
class Made extends Given {
  readonly #element: XmlElement;

  constructor(node: CdaNode, element: XmlElement) {
    super(node);
    this.#element = element;
  }

  static elementOf(value: object): XmlElement | undefined {
    return #element in value ? value.#element : undefined;
  }
}

/** An object of the tree, empty yet. */
export function nodeFrom(element: XmlElement): CdaNode {
  return new Made({}, element) as unknown as CdaNode;
}

/** The element an object was made from; undefined for values of datatypes. */
export function elementOf(value: unknown): XmlElement | undefined {
  return typeof value === 'object' && value !== null ? Made.elementOf(value) : undefined;
}
