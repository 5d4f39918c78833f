import { type Fault, fault } from '../../errors.ts';
import { noAttributes, type XmlElement } from './element.ts';
import { nameEnd, skipBlank, unixLines } from './lexical.ts';
import { limitFault, XmlFault, type XmlLimits, xmlLimits } from './limits.ts';
import { entityFault, resolveReferences } from './references.ts';
import { NamespaceScope } from './scope.ts';
import { decodeXml, type Lifted } from './source.ts';

/** What is known of the vocabulary that is read. */
export interface XmlOptions {
  /** Namespace URI → prefix its elements get in the result; the main namespace has ''. */
  namespaces: Record<string, string>;
  limits?: Partial<XmlLimits>;
  /**
   * Elements in which white space between tags is text. When given, it is dropped everywhere else: most of the texts of an
   * indented document are nothing but that.
   */
  textIn?: ReadonlySet<string>;
  /** Stops reading at the first element for which it answers true; what was read until then is the result. */
  until?: (element: XmlElement) => boolean;
}

/** The document, or the first reason why it is none. */
export type XmlResult = { root: XmlElement; fault?: undefined } | { root?: undefined; fault: Fault };

/**
 * Reads XML 1.0 with namespaces into elements. Strict on well-formedness, and narrower than the standard on purpose: a
 * document type declaration is refused, so there are no entities, no external access and no defaults; nothing outside the
 * bytes is ever looked at.
 */
export function readXml(bytes: Uint8Array, options: XmlOptions): XmlResult {
  const limits = { ...xmlLimits, ...options.limits };
  if (bytes.length > limits.bytes) return { fault: limitFault('bytes', limits.bytes) };
  const source = decodeXml(bytes);
  if ('code' in source) return { fault: source };
  if (source.text.length > limits.characters) return { fault: limitFault('characters', limits.characters) };
  const reader = new Reader(source.text, source.lifted, options, limits);
  const result = run(reader);
  if (!result.root || reader.liftedAll) return result;
  // A run that stood somewhere else than as the content of an element (a comment, say): read it as the text it is.
  const plain = decodeXml(bytes, false);
  return 'code' in plain ? { fault: plain } : run(new Reader(plain.text, [], options, limits));
}

function run(reader: Reader): XmlResult {
  try {
    return { root: reader.document() };
  } catch (error) {
    if (error instanceof XmlFault) return { fault: error.fault };
    throw error;
  }
}

const FORBIDDEN = /[\0-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/;

class Reader {
  readonly #text: string;
  readonly #lifted: Lifted[];
  readonly #limits: XmlLimits;
  readonly #until: ((element: XmlElement) => boolean) | undefined;
  readonly #textIn: ReadonlySet<string> | undefined;
  /** How many of the open elements are in `textIn`. */
  #insideText = 0;
  #at = 0;
  #nextLifted = 0;
  #claimed = 0;
  #elements = 0;
  #depth = 0;
  #scope: NamespaceScope;
  #root: XmlElement | undefined;
  #current: XmlElement | undefined;
  #rawNames: string[] = [];
  #scopes: NamespaceScope[] = [];

  constructor(text: string, lifted: Lifted[], options: XmlOptions, limits: XmlLimits) {
    this.#text = text;
    this.#lifted = lifted;
    this.#limits = limits;
    this.#until = options.until;
    this.#textIn = options.textIn;
    this.#scope = NamespaceScope.outermost(options.namespaces);
  }

  get liftedAll(): boolean {
    return this.#claimed === this.#lifted.length;
  }

  document(): XmlElement {
    const text = this.#text;
    const wrong = FORBIDDEN.exec(text);
    if (wrong) this.#fail('character', wrong.index);
    if (text.startsWith('<?xml') && /^<\?xml[\s]/.test(text)) this.#at = this.#find('?>', 5) + 2;
    while (this.#at < text.length) {
      const lt = text.indexOf('<', this.#at);
      this.#characters(lt < 0 ? text.length : lt);
      if (lt < 0) break;
      if (this.#markup(lt)) return this.#root!;
    }
    if (this.#current || !this.#root) this.#fail('truncated', text.length);
    return this.#root!;
  }

  /** One piece of markup at `lt`; true when the caller wanted to stop here. */
  #markup(lt: number): boolean {
    const next = this.#text.charCodeAt(lt + 1);
    if (next === 0x2f) this.#closeTag(lt);
    else if (next === 0x21) this.#declaration(lt);
    else if (next === 0x3f) this.#instruction(lt);
    else return this.#openTag(lt);
    return false;
  }

  #characters(end: number): void {
    const start = this.#at;
    const lifted = this.#lifted[this.#nextLifted];
    if (lifted && lifted.offset <= end) this.#takeLifted(lifted, start, end);
    if (end === start) return;
    this.#at = end;
    if (this.#textIn && this.#insideText === 0 && this.#current && skipBlank(this.#text, start) === end) return;
    const raw = unixLines(this.#text.slice(start, end));
    if (!this.#current) {
      if (/[^ \t\n\ufeff]/.test(raw)) this.#fail('outside', start);
      return;
    }
    if (raw.includes(']]>')) this.#fail('cdata-end', start + raw.indexOf(']]>'));
    this.#append(raw.includes('&') ? this.#resolve(raw, start) : raw);
  }

  /** The run belongs to the current element when nothing but it stands between the two tags. */
  #takeLifted(lifted: Lifted, start: number, end: number): void {
    this.#nextLifted++;
    if (!this.#current || lifted.offset !== start || start !== end || this.#current.children.length) return;
    this.#current.lifted = lifted.bytes;
    this.#claimed++;
  }

  #append(text: string): void {
    const { children } = this.#current!;
    const last = children.length - 1;
    if (typeof children[last] === 'string') children[last] += text;
    else children.push(text);
  }

  #resolve(raw: string, start: number): string {
    const resolved = resolveReferences(raw);
    if (typeof resolved === 'string') return resolved;
    throw new XmlFault(entityFault(raw, resolved.at) ?? this.#malformed('reference', start + resolved.at));
  }

  #openTag(lt: number): boolean {
    const text = this.#text;
    if (++this.#elements > this.#limits.elements) throw new XmlFault(limitFault('elements', this.#limits.elements));
    if (this.#root && !this.#current) this.#fail('second-root', lt);
    let at = nameEnd(text, lt + 1);
    const raw = text.slice(lt + 1, at);
    let attributes = noAttributes;
    let declares = false;
    let code = text.charCodeAt(at);
    while (code !== 0x3e && code !== 0x2f) {
      const start = skipBlank(text, at);
      code = text.charCodeAt(start);
      if (code === 0x3e || code === 0x2f) {
        at = start;
        break;
      }
      if (start === at || start >= text.length) this.#fail(start >= text.length ? 'truncated' : 'tag', start);
      if (attributes === noAttributes) attributes = [];
      at = this.#attribute(start, attributes);
      declares ||= attributes[attributes.length - 2]!.startsWith('xmlns');
      code = text.charCodeAt(at);
    }
    const empty = code === 0x2f;
    if (empty && text.charCodeAt(at + 1) !== 0x3e) this.#fail('tag', at);
    const outer = this.#scope;
    if (declares) [this.#scope, attributes] = this.#declare(attributes, lt);
    const element = this.#element(raw, attributes, lt);
    this.#at = at + (empty ? 2 : 1);
    if (empty) this.#scope = outer;
    else this.#descend(element, raw, outer);
    return this.#until?.(element) === true;
  }

  #element(raw: string, attributes: string[], lt: number): XmlElement {
    const name = this.#scope.element(raw) ?? this.#fail('name', lt);
    for (let i = 0; i < attributes.length; i += 2) {
      const resolved = this.#scope.attribute(attributes[i]!) ?? this.#fail('name', lt);
      attributes[i] = resolved;
      for (let j = 0; j < i; j += 2) if (attributes[j] === resolved) this.#fail('attribute-twice', lt);
    }
    const element: XmlElement = {
      name,
      attributes,
      children: [],
      parent: this.#current,
      offset: lt,
      lifted: undefined,
    };
    if (this.#current) this.#current.children.push(element);
    else this.#root = element;
    return element;
  }

  #descend(element: XmlElement, raw: string, outer: NamespaceScope): void {
    if (++this.#depth > this.#limits.depth) throw new XmlFault(limitFault('depth', this.#limits.depth));
    this.#rawNames.push(raw);
    this.#scopes.push(outer);
    this.#current = element;
    if (this.#textIn?.has(element.name)) this.#insideText++;
  }

  #closeTag(lt: number): void {
    const text = this.#text;
    const raw = this.#rawNames.pop();
    if (raw === undefined || !text.startsWith(raw, lt + 2)) this.#fail('end-tag', lt);
    const gt = skipBlank(text, lt + 2 + raw!.length);
    if (text.charCodeAt(gt) !== 0x3e) this.#fail(gt >= text.length ? 'truncated' : 'end-tag', lt);
    this.#at = gt + 1;
    this.#depth--;
    this.#scope = this.#scopes.pop()!;
    if (this.#textIn?.has(this.#current!.name)) this.#insideText--;
    this.#current = this.#current!.parent;
  }

  /** Reads one attribute into the list and answers where it ended. */
  #attribute(start: number, into: string[]): number {
    const text = this.#text;
    if (into.length >= this.#limits.attributes * 2)
      throw new XmlFault(limitFault('attributes', this.#limits.attributes));
    const end = nameEnd(text, start);
    const equals = skipBlank(text, end);
    if (end === start || text.charCodeAt(equals) !== 0x3d)
      this.#fail(equals >= text.length ? 'truncated' : 'attribute', start);
    const quoteAt = skipBlank(text, equals + 1);
    const quote = text[quoteAt];
    if (quote !== '"' && quote !== "'") this.#fail(quote === undefined ? 'truncated' : 'attribute', start);
    const close = this.#find(quote!, quoteAt + 1);
    let value = text.slice(quoteAt + 1, close);
    if (value.includes('<')) this.#fail('attribute', quoteAt);
    if (/[\t\n\r]/.test(value)) value = value.replace(/\r\n|[\t\n\r]/g, ' ');
    into.push(text.slice(start, end), value.includes('&') ? this.#resolve(value, quoteAt + 1) : value);
    return close + 1;
  }

  #declare(attributes: string[], lt: number): [NamespaceScope, string[]] {
    const scope = this.#scope.declare(attributes) ?? this.#fail('namespace', lt);
    const rest: string[] = [];
    for (let i = 0; i < attributes.length; i += 2) {
      const name = attributes[i]!;
      if (name !== 'xmlns' && !name.startsWith('xmlns:')) rest.push(name, attributes[i + 1]!);
    }
    return [scope, rest];
  }

  #declaration(lt: number): void {
    const text = this.#text;
    if (text.startsWith('<!--', lt)) {
      const end = this.#find('--', lt + 4);
      if (text.charCodeAt(end + 2) !== 0x3e) this.#fail('comment', end);
      this.#at = end + 3;
    } else if (text.startsWith('<![CDATA[', lt) && this.#current) {
      const end = this.#find(']]>', lt + 9);
      const lifted = this.#lifted[this.#nextLifted];
      if (lifted && lifted.offset <= end) this.#takeLifted(lifted, lt + 9, end);
      if (end > lt + 9) this.#append(unixLines(text.slice(lt + 9, end)));
      this.#at = end + 3;
    } else if (text.startsWith('<!DOCTYPE', lt)) throw new XmlFault(fault('xml-doctype'));
    else this.#fail('markup', lt);
  }

  #instruction(lt: number): void {
    const end = this.#find('?>', lt + 2);
    const target = this.#text.slice(lt + 2, nameEnd(this.#text, lt + 2));
    if (!target || /^xml$/i.test(target)) this.#fail('instruction', lt);
    this.#at = end + 2;
  }

  #find(what: string, from: number): number {
    const found = this.#text.indexOf(what, from);
    return found < 0 ? this.#fail('truncated', from) : found;
  }

  #fail(reason: string, offset: number): never {
    throw new XmlFault(this.#malformed(reason, offset));
  }

  #malformed(reason: string, offset: number): Fault {
    const before = this.#text.slice(0, offset);
    const line = before.split('\n').length;
    const column = offset - before.lastIndexOf('\n');
    return fault('xml-malformed', { place: `line ${line}, column ${column}`, params: { reason, line, column } });
  }
}
