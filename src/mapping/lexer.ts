/** Tokens of the FHIR Mapping Language, https://hl7.org/fhir/R4/mapping-language.html, with their place in the text. */
export interface Token {
  kind: 'name' | 'string' | 'quoted' | 'delimited' | 'number' | 'sign' | 'end';
  /** As written; for `delimited` without the backticks. */
  text: string;
  start: number;
  end: number;
  line: number;
}

/** A fault in the text of a map. */
export class LanguageError extends Error {
  readonly line: number;
  readonly rule: string | undefined;
  constructor(message: string, line: number, rule?: string) {
    super(message);
    this.name = 'LanguageError';
    this.line = line;
    this.rule = rule;
  }
}

const PATTERN =
  /(\s+|\/\/[^\n]*|\/\*[\s\S]*?\*\/)|('(?:[^'\\]|\\.)*')|("(?:[^"\\]|\\.)*")|(`[^`\n]*`)|([A-Za-z_$%][\w$]*)|(\d+(?:\.\d+)?)|(->|<<|>>|<=|>=|!=|!~|==|[^\s'"`])/y;
/** What each group of {@link PATTERN} finds; groups without names, as names cost an object for every token. */
const KINDS = [undefined, 'space', 'string', 'quoted', 'delimited', 'name', 'number', 'sign'] as const;

/**
 * Cuts the text into tokens; comments and spaces are dropped.
 * @throws LanguageError at a quote that is never closed.
 */
export function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  let line = 1;
  let at = 0;
  while (at < text.length) {
    PATTERN.lastIndex = at;
    const match = PATTERN.exec(text);
    if (!match) throw new LanguageError(`quote ${text[at]} is not closed`, line);
    const [found] = match;
    const end = at + found.length;
    const kind = KINDS[match.findIndex((part, group) => group > 0 && part !== undefined)]!;
    if (kind !== 'space') {
      if (found.includes('__proto__')) throw new LanguageError('__proto__ is no name', line);
      tokens.push({ kind, text: kind === 'delimited' ? found.slice(1, -1) : found, start: at, end, line });
    }
    if (kind === 'space' || kind === 'string' || kind === 'quoted') line += newlines(found);
    at = end;
  }
  tokens.push({ kind: 'end', text: 'end of file', start: text.length, end: text.length, line });
  return tokens;
}

function newlines(text: string): number {
  let count = 0;
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) count++;
  return count;
}
