import { isNameEnd } from './lexical.ts';

/** Names kept of a document; what it has beyond is read all the same. */
const NAMES_KEPT = 2000;

/**
 * Reads the names of a document, each as one string however often it is written. A document has few names and thousands of
 * tags: to find a name by its hash, which falls out of reading it, and compare it where it stands costs half of making a
 * string and looking that up.
 */
export class WrittenNames {
  /** Where the name ended that was read last. */
  end = 0;
  readonly #known = new Map<number, string>();

  /** The name that begins at a place of the text; empty when none does. */
  read(text: string, start: number): string {
    let hash = 0;
    let at = start;
    for (; at < text.length; at++) {
      const code = text.charCodeAt(at);
      if (isNameEnd(code)) break;
      hash = (hash * 31 + code) & 0x3fffffff;
    }
    this.end = at;
    const known = this.#known.get(hash);
    if (known !== undefined && known.length === at - start && text.startsWith(known, start)) return known;
    const name = asKey(text.slice(start, at));
    if (known === undefined && this.#known.size < NAMES_KEPT) this.#known.set(hash, name);
    return name;
  }
}

/**
 * The same string as engines keep it for properties, where equal ones are one: whoever compares it with a name in the code
 * then compares no letters.
 */
function asKey(name: string): string {
  for (const key in { [name]: true }) return key;
  return name;
}
