import { keptText } from '../kept-text.ts';
import { isNameEnd } from './lexical.ts';

/** Names met last, by hash: what is written in one document is written in the next. */
const known = new Map<number, string>();
const NAMES_KEPT = 2000;
const LONGEST_KEPT = 200;

/**
 * Reads the names of a document, each as one string however often it is written. A document has few names and thousands of
 * tags: to find a name by its hash, which falls out of reading it, and compare it where it stands costs half of making a
 * string and looking that up.
 */
export class WrittenNames {
  /** Where the name ended that was read last. */
  end = 0;

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
    const met = known.get(hash);
    if (met !== undefined && met.length === at - start && text.startsWith(met, start)) return met;
    if (at - start > LONGEST_KEPT) return text.slice(start, at);
    const name = keptText(text.slice(start, at));
    if (known.size >= NAMES_KEPT) known.clear();
    known.set(hash, name);
    return name;
  }
}
