/** Grammar of FHIRPath, https://hl7.org/fhirpath/N1/#grammar, as a Pratt parser. */

export type Node =
  | { kind: 'literal'; value: string | number | boolean }
  | { kind: 'nothing' }
  | { kind: 'this' }
  | { kind: 'index-variable' }
  | { kind: 'variable'; name: string }
  | { kind: 'name'; name: string }
  | { kind: 'call'; name: string; arguments: Node[] }
  | { kind: 'dot'; left: Node; right: Node }
  | { kind: 'item'; left: Node; right: Node }
  | { kind: 'type'; operator: 'is' | 'as'; left: Node; type: string }
  | { kind: 'negative'; right: Node }
  | { kind: 'binary'; operator: string; left: Node; right: Node };

interface Token {
  type: 'name' | 'string' | 'number' | 'symbol' | 'date' | 'end';
  text: string;
  at: number;
}

/** The expression is not FHIRPath; `at` counts characters from 0. */
export class FhirPathSyntaxError extends Error {
  readonly at: number;
  constructor(message: string, at: number) {
    super(`${message} at character ${at}`);
    this.at = at;
  }
}

const patterns: [Token['type'] | 'skip', RegExp][] = [
  ['skip', /(?:\s+|\/\/[^\n]*|\/\*[^*]*(?:\*(?!\/)[^*]*)*\*\/)/y],
  ['date', /@[0-9T][0-9T:.+Z-]*/y],
  ['number', /\d+(?:\.\d+)?/y],
  ['string', /'(?:[^'\\]|\\.)*'/y],
  ['name', /`(?:[^`\\]|\\.)*`|[A-Za-z_][A-Za-z0-9_]*/y],
  ['symbol', /<=|>=|!=|!~|\$this|\$index|\$total|%`[^`]*`|%'[^']*'|%[A-Za-z_][A-Za-z0-9_-]*|[-+*/&|=~<>.,()[\]{}]/y],
];

const escapes: Record<string, string> = { n: '\n', r: '\r', t: '\t', f: '\f' };

function unquote(text: string): string {
  return text
    .slice(1, -1)
    .replace(/\\(u[0-9a-fA-F]{4}|.)/g, (_, code: string) =>
      code.length === 5 ? String.fromCharCode(Number.parseInt(code.slice(1), 16)) : (escapes[code] ?? code),
    );
}

function tokens(source: string): Token[] {
  const result: Token[] = [];
  let at = 0;
  next: while (at < source.length) {
    for (const [type, pattern] of patterns) {
      pattern.lastIndex = at;
      const found = pattern.exec(source);
      if (found) {
        if (type !== 'skip') {
          result.push({ type, text: found[0], at });
        }
        at += found[0].length;
        continue next;
      }
    }
    throw new FhirPathSyntaxError(`unexpected ${JSON.stringify(source[at])}`, at);
  }
  result.push({ type: 'end', text: '', at });
  return result;
}

const precedence: Record<string, number> = {
  implies: 1,
  or: 2,
  xor: 2,
  and: 3,
  in: 4,
  contains: 4,
  '=': 5,
  '~': 5,
  '!=': 5,
  '!~': 5,
  '<': 6,
  '>': 6,
  '<=': 6,
  '>=': 6,
  '|': 7,
  is: 8,
  as: 8,
  '+': 9,
  '-': 9,
  '&': 9,
  '*': 10,
  '/': 10,
  div: 10,
  mod: 10,
};

class Parser {
  private readonly list: Token[];
  private at = 0;
  private depth = 0;

  constructor(source: string) {
    this.list = tokens(source);
  }

  whole(): Node {
    const node = this.expression(0);
    if (this.peek().type !== 'end') {
      this.fail('something follows the expression');
    }
    return node;
  }

  private peek(): Token {
    return this.list[this.at] as Token;
  }

  private take(): Token {
    const token = this.peek();
    this.at++;
    return token;
  }

  private fail(message: string): never {
    throw new FhirPathSyntaxError(message, this.peek().at);
  }

  private expect(text: string): void {
    if (this.take().text !== text) {
      this.at--;
      this.fail(`${text} expected`);
    }
  }

  private expression(least: number): Node {
    if (++this.depth > 60) {
      this.fail('the expression is nested too deep');
    }
    let left = this.unary();
    for (;;) {
      const token = this.peek();
      const rank = token.type === 'symbol' || token.type === 'name' ? precedence[token.text] : undefined;
      if (rank === undefined || rank <= least) {
        this.depth--;
        return left;
      }
      this.take();
      if (token.text === 'is' || token.text === 'as') {
        left = { kind: 'type', operator: token.text, left, type: this.typeName() };
      } else {
        left = { kind: 'binary', operator: token.text, left, right: this.expression(rank) };
      }
    }
  }

  private typeName(): string {
    let name = this.name();
    while (this.peek().text === '.') {
      this.take();
      name = this.name();
    }
    return name;
  }

  private name(): string {
    if (this.peek().type !== 'name') this.fail('a name of a type is missing');
    return this.take().text.replaceAll('`', '');
  }

  private unary(): Node {
    const { text } = this.peek();
    if (text === '-' || text === '+') {
      this.take();
      const right = this.unary();
      return text === '-' ? { kind: 'negative', right } : right;
    }
    let left = this.term();
    for (;;) {
      if (this.peek().text === '.') {
        this.take();
        left = { kind: 'dot', left, right: this.member() };
      } else if (this.peek().text === '[') {
        this.take();
        const right = this.expression(0);
        this.expect(']');
        left = { kind: 'item', left, right };
      } else {
        return left;
      }
    }
  }

  private member(): Node {
    const token = this.take();
    if (token.type !== 'name') {
      this.at--;
      return this.fail('a name is expected');
    }
    const name = token.text.startsWith('`') ? unquote(token.text) : token.text;
    if (this.peek().text !== '(') {
      return { kind: 'name', name };
    }
    this.take();
    const list: Node[] = [];
    while (this.peek().text !== ')') {
      list.push(this.expression(0));
      if (this.peek().text === ',') {
        this.take();
      } else if (this.peek().text !== ')') {
        this.fail(') expected');
      }
    }
    this.take();
    return { kind: 'call', name, arguments: list };
  }

  private term(): Node {
    const token = this.peek();
    switch (token.type) {
      case 'string':
        this.take();
        return { kind: 'literal', value: unquote(token.text) };
      case 'number':
        this.take();
        return { kind: 'literal', value: Number(token.text) };
      case 'date':
        this.take();
        return { kind: 'literal', value: token.text.slice(1).replace(/^T/, '').replace(/T$/, '') };
      case 'name':
        if (token.text === 'true' || token.text === 'false') {
          this.take();
          return { kind: 'literal', value: token.text === 'true' };
        }
        return this.member();
      default:
        return this.symbol(token);
    }
  }

  private symbol(token: Token): Node {
    this.take();
    if (token.text === '(') {
      const inner = this.expression(0);
      this.expect(')');
      return inner;
    }
    if (token.text === '{') {
      this.expect('}');
      return { kind: 'nothing' };
    }
    if (token.text === '$this') {
      return { kind: 'this' };
    }
    if (token.text === '$index') {
      return { kind: 'index-variable' };
    }
    if (token.text.startsWith('%')) {
      return { kind: 'variable', name: token.text.slice(1).replace(/^[`']|[`']$/g, '') };
    }
    this.at--;
    return this.fail('a value is expected');
  }
}

/**
 * Parses an expression.
 *
 * @throws FhirPathSyntaxError
 */
export function parse(source: string): Node {
  return new Parser(source).whole();
}
