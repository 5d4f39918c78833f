/** What a regular expression says, as far as `regex.ts` can run it. */
export type RegexTree =
  | { kind: 'character'; matches: (code: number) => boolean }
  | { kind: 'begin' }
  | { kind: 'end' }
  | { kind: 'sequence'; parts: RegexTree[] }
  | { kind: 'either'; parts: RegexTree[] }
  | { kind: 'repeat'; part: RegexTree; min: number; max: number };

/** The expression uses what needs a backtracking engine. */
export class Unsupported extends Error {}

const digit = (code: number) => code >= 48 && code <= 57;
const word = (code: number) => digit(code) || (code >= 65 && code <= 90) || (code >= 97 && code <= 122) || code === 95;
const space = (code: number) => code === 32 || (code >= 9 && code <= 13) || code === 160 || code === 0xfeff;
const classes: Record<string, (code: number) => boolean> = {
  d: digit,
  w: word,
  s: space,
  D: (code) => !digit(code),
  W: (code) => !word(code),
  S: (code) => !space(code),
};
const controls: Record<string, number> = { n: 10, r: 13, t: 9, f: 12, v: 11 };

/** Recursive descent over the expression. */
class Reader {
  private at = 0;
  private readonly source: string;

  constructor(source: string) {
    this.source = source;
  }

  whole(): RegexTree {
    const tree = this.either(0);
    if (this.at < this.source.length) {
      throw new Unsupported();
    }
    return tree;
  }

  private peek(): string {
    return this.source[this.at] ?? '';
  }

  private either(depth: number): RegexTree {
    const parts = [this.sequence(depth)];
    while (this.peek() === '|') {
      this.at++;
      parts.push(this.sequence(depth));
    }
    return parts.length === 1 ? (parts[0] as RegexTree) : { kind: 'either', parts };
  }

  private sequence(depth: number): RegexTree {
    const parts: RegexTree[] = [];
    while (this.at < this.source.length && this.peek() !== '|' && this.peek() !== ')') {
      parts.push(this.repeated(this.one(depth)));
    }
    return { kind: 'sequence', parts };
  }

  private repeated(part: RegexTree): RegexTree {
    const found = /^(?:[*+?]|\{(\d{1,4})(?:(,)(\d{0,4}))?\})\??/.exec(this.source.slice(this.at, this.at + 14));
    if (!found) {
      return part;
    }
    this.at += found[0].length;
    const [sign, low, comma, high] = found;
    if (low === undefined) {
      const max = sign.startsWith('?') ? 1 : Number.POSITIVE_INFINITY;
      return { kind: 'repeat', part, min: sign.startsWith('+') ? 1 : 0, max };
    }
    const max = comma === undefined ? Number(low) : high ? Number(high) : Number.POSITIVE_INFINITY;
    return { kind: 'repeat', part, min: Number(low), max };
  }

  private one(depth: number): RegexTree {
    const character = this.source[this.at++] as string;
    switch (character) {
      case '(':
        return this.group(depth);
      case '[':
        return { kind: 'character', matches: this.set() };
      case '.':
        return { kind: 'character', matches: () => true };
      case '^':
        return { kind: 'begin' };
      case '$':
        return { kind: 'end' };
      case '\\':
        return { kind: 'character', matches: this.escape() };
      case '*':
      case '+':
      case '?':
        throw new Unsupported();
      default: {
        const wanted = character.charCodeAt(0);
        return { kind: 'character', matches: (code) => code === wanted };
      }
    }
  }

  private group(depth: number): RegexTree {
    if (this.peek() === '?') {
      if (this.source[this.at + 1] !== ':') {
        throw new Unsupported();
      }
      this.at += 2;
    }
    if (depth > 20) {
      throw new Unsupported();
    }
    const inner = this.either(depth + 1);
    if (this.source[this.at++] !== ')') {
      throw new Unsupported();
    }
    return inner;
  }

  private escape(): (code: number) => boolean {
    const character = this.source[this.at++] ?? '';
    const known = classes[character];
    if (known) {
      return known;
    }
    if (character === 'u' || character === 'x') {
      const length = character === 'u' ? 4 : 2;
      const wanted = Number.parseInt(this.source.slice(this.at, this.at + length), 16);
      this.at += length;
      return (code) => code === wanted;
    }
    if (character === '' || /[bBpPkA-Z1-9]/.test(character)) {
      throw new Unsupported();
    }
    const wanted = controls[character] ?? character.charCodeAt(0);
    return (code) => code === wanted;
  }

  private set(): (code: number) => boolean {
    const negative = this.peek() === '^';
    this.at += negative ? 1 : 0;
    const members: ((code: number) => boolean)[] = [];
    for (let first = true; first || this.peek() !== ']'; first = false) {
      if (this.at >= this.source.length) {
        throw new Unsupported();
      }
      if (first && this.peek() === ']') {
        break;
      }
      members.push(this.member());
    }
    this.at++;
    return (code) => members.some((one) => one(code)) !== negative;
  }

  private member(): (code: number) => boolean {
    const from = this.bound();
    if (typeof from === 'function' || this.peek() !== '-' || this.source[this.at + 1] === ']') {
      return typeof from === 'function' ? from : (code) => code === from;
    }
    this.at++;
    const to = this.bound();
    if (typeof to === 'function') {
      throw new Unsupported();
    }
    return (code) => code >= from && code <= to;
  }

  private bound(): number | ((code: number) => boolean) {
    const character = this.source[this.at++] as string;
    if (character !== '\\') {
      return character.charCodeAt(0);
    }
    const next = this.peek();
    if (next in classes) {
      this.at++;
      return classes[next] as (code: number) => boolean;
    }
    this.at++;
    if (/[bBpPkux]/.test(next)) {
      throw new Unsupported();
    }
    return controls[next] ?? next.charCodeAt(0);
  }
}

/**
 * Reads an expression.
 *
 * @throws Unsupported
 */
export function readRegex(source: string): RegexTree {
  return new Reader(source).whole();
}
