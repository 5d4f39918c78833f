import type { XmlElement } from './element.ts';

type Child = XmlElement | string;

/**
 * The children of all open elements, one after the other, so that each list is made once, when its length is known: one that
 * grows takes room for seventeen, and most elements have one or two.
 */
export class Content {
  readonly #children: Child[] = [];
  #end = 0;
  /** Where the children of the current element begin, and those of the elements around it. */
  #start = 0;
  readonly #starts: number[] = [];

  /** Whether the current element has any yet. */
  get any(): boolean {
    return this.#end > this.#start;
  }

  add(child: Child): void {
    this.#children[this.#end++] = child;
  }

  /** Adds to the text before it, if that is what the current element has last. */
  addText(text: string): void {
    const last = this.#end - 1;
    if (this.any && typeof this.#children[last] === 'string') this.#children[last] += text;
    else this.add(text);
  }

  /** What is added from here on belongs to another element. */
  open(): void {
    this.#starts.push(this.#start);
    this.#start = this.#end;
  }

  /** Gives the children of the current element and goes back to the one around it. */
  close(): Child[] {
    const children = this.any ? this.#children.slice(this.#start, this.#end) : [];
    this.#end = this.#start;
    this.#start = this.#starts.pop()!;
    return children;
  }
}
