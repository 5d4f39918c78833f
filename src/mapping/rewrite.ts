import { LanguageError, type Token, tokenize } from './lexer.ts';

/**
 * `parseMappingLanguage` takes only two-step paths, no dotted or nested function arguments, one order of clauses, and
 * gives no line numbers. So the text is rewritten before: expressions become symbols (`expr_0`), deeper paths one
 * delimited name, and each rule's name is the number of its mark. What the author wrote stays what FHIR's grammar says.
 */
export interface Rewritten {
  text: string;
  expressions: string[];
  marks: RuleMark[];
}

/** What the parser does not keep of a rule; the name of the rewritten rule is its index. */
export interface RuleMark {
  line: number;
  name?: string;
  /** Target index → name after `share`, which the parser drops. */
  share?: Record<number, string>;
}

const LIST_MODES = new Set(['first', 'not_first', 'last', 'not_last', 'only_one']);
const SOURCE_STOPS = new Set([',', '->', 'then', ';', 'as', 'where', 'check', 'log', 'default', ...LIST_MODES]);
const TARGET_STOPS = new Set([',', 'then', ';', 'as', 'share', 'first', 'last', 'collate']);
const ARGUMENT_STOPS = new Set([',', ')']);
const CLAUSE_ORDER = ['default', 'mode', 'as', 'log', 'where', 'check'];

/**
 * Rewrites a map for Medplum's parser, line for line.
 * @throws LanguageError naming the line and, inside a rule, the rule.
 */
export function rewrite(source: string): Rewritten {
  return new Rewriter(source).run();
}

class Rewriter {
  private readonly source: string;
  private readonly tokens: Token[];
  private at = 0;
  private out = '';
  private outLine = 1;
  private readonly expressions: string[] = [];
  private readonly marks: RuleMark[] = [];
  private rule: string | undefined;

  constructor(source: string) {
    this.source = source;
    this.tokens = tokenize(source);
  }

  run(): Rewritten {
    while (this.peek().kind !== 'end') {
      if (this.peek().text === 'group') this.group();
      else this.copy();
    }
    return { text: this.out, expressions: this.expressions, marks: this.marks };
  }

  private group(): void {
    while (this.peek().text !== '{') {
      if (this.peek().kind === 'end') this.fail('{ that opens the group');
      this.copy();
    }
    this.rules();
  }

  private rules(): void {
    this.expect('{');
    this.emit('{');
    while (this.peek().text !== '}') {
      if (this.peek().kind === 'end') this.fail('} that closes the rules');
      this.oneRule();
    }
    this.expect('}');
    this.emit('}');
  }

  private oneRule(): void {
    const outer = this.rule;
    const line = this.peek().line;
    this.rule = undefined;
    const mark: RuleMark = { line };
    if (this.peek().text === 'for') this.at++;
    this.oneSource();
    this.rule = this.lastElement;
    while (this.take(',')) {
      this.emit(',');
      this.oneSource();
    }
    if (this.take('->')) {
      this.emit('->');
      this.targets(mark);
    }
    if (this.take('then')) this.consequence();
    if (this.peek().kind === 'quoted') this.rule = mark.name = this.next().text.slice(1, -1);
    if (this.peek().text !== ';') this.fail('; that ends the rule');
    this.at++;
    this.emit(`"${this.marks.push(mark) - 1}" ;`);
    this.rule = outer;
  }

  private lastElement: string | undefined;

  private oneSource(): void {
    const { context, path } = this.path();
    this.lastElement = path.at(-1) ?? context;
    this.emit(joined(context, path));
    if (this.take(':')) this.emit(`: ${this.name('type')}`);
    const clauses: Record<string, string> = {};
    for (;;) {
      const word = this.peek();
      if (word.kind !== 'name') break;
      if (LIST_MODES.has(word.text)) clauses.mode = this.next().text;
      else if (this.take('as')) clauses.as = `as ${this.name('variable')}`;
      else if (this.take('default')) clauses.default = `default ${this.literal()}`;
      else if (word.text === 'where' || word.text === 'check' || word.text === 'log') {
        this.at++;
        clauses[word.text] = `${word.text} ${this.expression(SOURCE_STOPS)}`;
      } else break;
    }
    for (const clause of CLAUSE_ORDER) if (clauses[clause]) this.emit(clauses[clause]);
  }

  private targets(mark: RuleMark): void {
    let index = 0;
    do {
      if (index > 0) this.emit(',');
      const { context, path } = this.path();
      this.emit(joined(context, path));
      if (this.take('=')) this.emit(`= evaluate(${this.expression(TARGET_STOPS)})`);
      const early = this.listMode(mark, index);
      if (this.take('as')) this.emit(`as ${this.name('variable')}`);
      const mode = early ?? this.listMode(mark, index);
      if (mode) this.emit(mode);
      index++;
    } while (this.take(','));
  }

  /** FHIR's grammar has it behind the variable; in front of it reads better. */
  private listMode(mark: RuleMark, index: number): string | undefined {
    if (this.take('share')) {
      const name = this.name('list name');
      mark.share = { ...mark.share, [index]: name };
      return `share ${name}`;
    }
    return ['first', 'last', 'collate'].includes(this.peek().text) ? this.next().text : undefined;
  }

  private consequence(): void {
    this.emit('then');
    if (this.peek().text === '{') {
      this.rules();
      return;
    }
    const name = this.name('group');
    this.expect('(');
    const names: string[] = [];
    while (this.peek().text !== ')') {
      names.push(this.argument());
      if (!this.take(',')) break;
    }
    this.expect(')');
    this.emit(`${name}(${names.join(', ')})`);
  }

  /** A variable, or an expression (FHIR R5 allows values there). */
  private argument(): string {
    const [token, after] = [this.peek(), this.tokens[this.at + 1]];
    const lone = after?.text === ',' || after?.text === ')';
    return token.kind === 'name' && lone ? this.name('variable') : this.expression(ARGUMENT_STOPS);
  }

  private path(): { context: string; path: string[] } {
    const context = this.name('variable');
    const path: string[] = [];
    while (this.take('.')) {
      const token = this.next();
      if (token.kind !== 'name' && token.kind !== 'delimited' && token.kind !== 'number') {
        this.at--;
        this.fail('a property name');
      }
      path.push(token.text);
    }
    return { context, path };
  }

  /** Takes an expression up to a stop word outside brackets; gives the symbol that stands for it. */
  private expression(stops: Set<string>): string {
    const first = this.peek();
    let depth = 0;
    let last: Token | undefined;
    for (;;) {
      const token = this.peek();
      if (token.kind === 'end') this.fail('; that ends the rule');
      if (depth === 0 && this.stops(token, last, stops)) break;
      if (token.text === '(' || token.text === '[') depth++;
      if (token.text === ')' || token.text === ']') depth--;
      if (depth < 0 || (depth > 0 && token.text === ';')) this.fail('matching brackets');
      last = this.next();
    }
    if (!last) this.fail('an expression');
    this.expressions.push(this.source.slice(first.start, last.end));
    return `expr_${this.expressions.length - 1}`;
  }

  private stops(token: Token, last: Token | undefined, stops: Set<string>): boolean {
    if (token.kind === 'quoted') return last !== undefined;
    if (token.kind === 'string' || token.kind === 'delimited' || !stops.has(token.text)) return false;
    return token.kind !== 'name' || endsOperand(last);
  }

  private literal(): string {
    const token = this.next();
    if (token.kind === 'string') return token.text;
    if (token.kind === 'number' || token.text === 'true' || token.text === 'false') return `'${token.text}'`;
    this.at--;
    return this.fail('a value in single quotes');
  }

  private name(what: string): string {
    const token = this.peek();
    if (token.kind !== 'name' && token.kind !== 'delimited') this.fail(`a ${what}`);
    this.at++;
    return token.text;
  }

  private copy(): void {
    const token = this.next();
    this.emit(token.kind === 'delimited' ? `\`${token.text}\`` : token.text, token.line);
  }

  private emit(text: string, line = this.tokens[Math.max(0, this.at - 1)]!.line): void {
    while (this.outLine < line) {
      this.out += '\n';
      this.outLine++;
    }
    this.out += `${text} `;
  }

  private peek(): Token {
    return this.tokens[this.at]!;
  }

  private next(): Token {
    return this.tokens[this.at++]!;
  }

  private take(text: string): boolean {
    const token = this.peek();
    if (token.text !== text || token.kind === 'string' || token.kind === 'delimited') return false;
    this.at++;
    return true;
  }

  private expect(text: string): void {
    if (!this.take(text)) this.fail(text);
  }

  private fail(wanted: string): never {
    const token = this.peek();
    // What is missing at the end of a line is noticed on the next.
    const line = wanted.startsWith(';') ? (this.tokens[this.at - 1] ?? token).line : token.line;
    throw new LanguageError(`expected ${wanted}, found ${token.text}`, line, this.rule);
  }
}

const OPERATOR_WORDS = new Set(['and', 'or', 'xor', 'implies', 'is', 'in', 'contains', 'div', 'mod']);

/** A word after a complete operand can only be the next clause: `a.first() where (…)`, but not `x.where(…)`. */
function endsOperand(last: Token | undefined): boolean {
  if (!last) return false;
  if (last.kind === 'sign') return last.text === ')' || last.text === ']' || last.text === '}';
  return last.kind !== 'name' || !OPERATOR_WORDS.has(last.text);
}

/** Two steps at most: the rest of a path goes into one delimited name, its steps percent-encoded. */
function joined(context: string, path: string[]): string {
  return path.length === 0
    ? context
    : `${context}.\`${path.map((step) => encodeURIComponent(step).replaceAll('.', '%2E')).join('/')}\``;
}
