import { type Fault, fault } from '../../errors.ts';
import { Content } from './content.ts';
import { noAttributes, type XmlElement } from './element.ts';
import { nameEnd, skipBlank, unixLines } from './lexical.ts';
import { limitFault, XmlFault, type XmlLimits } from './limits.ts';
import { entityFault, resolveReferences } from './references.ts';
import { isName, NamespaceScope } from './scope.ts';
import type { Lifted } from './source.ts';
import { WrittenNames } from './written-names.ts';

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
}

const FORBIDDEN = /[\0-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/;
/** Neither they nor the next are characters of XML (section 2.2). */
const FIRST_NONCHARACTER = 0xfffe;

/** Reads one document from its decoded text; see `readXml`. */
export class Reader {
  readonly #text: string;
  readonly #lifted: Lifted[];
  readonly #limits: XmlLimits;
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
  readonly #names = new WrittenNames();
  /** Attributes of the tag at hand. Lists are made when their length is known: one that grows takes room for seventeen. */
  readonly #attributes: string[] = [];
  readonly #content = new Content();

  constructor(text: string, lifted: Lifted[], options: XmlOptions, limits: XmlLimits) {
    this.#text = text;
    this.#lifted = lifted;
    this.#limits = limits;
    this.#textIn = options.textIn;
    this.#scope = NamespaceScope.outermost(options.namespaces);
  }

  /** Whether each lifted run was the whole content of an element. */
  get liftedAll(): boolean {
    return this.#claimed === this.#lifted.length;
  }

  /** @throws XmlFault with the first reason why it is none */
  document(): XmlElement {
    const text = this.#text;
    if (text.startsWith('<?xml') && /^<\?xml[\s]/.test(text)) this.#at = this.#allowed(0, this.#find('?>', 5) + 2);
    while (this.#at < text.length) {
      const lt = text.indexOf('<', this.#at);
      this.#characters(lt < 0 ? text.length : lt);
      if (lt < 0) break;
      this.#markup(lt);
    }
    if (this.#current || !this.#root) this.#fail('truncated', text.length);
    return this.#root!;
  }

  /** The first character that XML forbids. A document is searched as a whole only when something is wrong with it. */
  forbidden(): Fault | undefined {
    const wrong = FORBIDDEN.exec(this.#text);
    return wrong ? this.#malformed('character', wrong.index) : undefined;
  }

  /** Where a stretch ends that must have no forbidden character. */
  #allowed(start: number, end: number): number {
    if (FORBIDDEN.test(this.#text.slice(start, end))) this.#fail('character', start);
    return end;
  }

  /** One piece of markup at `lt`. */
  #markup(lt: number): void {
    const next = this.#text.charCodeAt(lt + 1);
    if (next === 0x2f) this.#closeTag(lt);
    else if (next === 0x21) this.#declaration(lt);
    else if (next === 0x3f) this.#instruction(lt);
    else this.#openTag(lt);
  }

  #characters(end: number): void {
    const start = this.#at;
    const lifted = this.#lifted[this.#nextLifted];
    if (lifted && lifted.offset <= end) this.#takeLifted(lifted, start, end);
    if (end === start) return;
    this.#at = end;
    if (this.#textIn && this.#insideText === 0 && this.#current && skipBlank(this.#text, start) === end) return;
    this.#allowed(start, end);
    const raw = unixLines(this.#text.slice(start, end));
    if (!this.#current) {
      if (/[^ \t\n\ufeff]/.test(raw)) this.#fail('outside', start);
      return;
    }
    if (raw.includes(']]>')) this.#fail('cdata-end', start + raw.indexOf(']]>'));
    this.#content.addText(raw.includes('&') ? this.#resolve(raw, start) : raw);
  }

  /** The run belongs to the current element when nothing but it stands between the two tags. */
  #takeLifted(lifted: Lifted, start: number, end: number): void {
    this.#nextLifted++;
    if (!this.#current || lifted.offset !== start || start !== end || this.#content.any) return;
    this.#current.lifted = lifted.bytes;
    this.#claimed++;
  }

  #resolve(raw: string, start: number): string {
    const resolved = resolveReferences(raw);
    if (typeof resolved === 'string') return resolved;
    throw new XmlFault(entityFault(raw, resolved.at) ?? this.#malformed('reference', start + resolved.at));
  }

  #openTag(lt: number): void {
    const text = this.#text;
    if (++this.#elements > this.#limits.elements) throw new XmlFault(limitFault('elements', this.#limits.elements));
    if (this.#root && !this.#current) this.#fail('second-root', lt);
    const raw = this.#names.read(text, lt + 1);
    let at = this.#names.end;
    let count = 0;
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
      at = this.#attribute(start, count);
      declares ||= this.#attributes[count]!.startsWith('xmlns');
      count += 2;
      code = text.charCodeAt(at);
    }
    const empty = code === 0x2f;
    if (empty && text.charCodeAt(at + 1) !== 0x3e) this.#fail('tag', at);
    const outer = this.#scope;
    let attributes = count === 0 ? noAttributes : this.#attributes.slice(0, count);
    if (declares) [this.#scope, attributes] = this.#declare(attributes, lt);
    const element = this.#element(raw, attributes, lt);
    this.#at = at + (empty ? 2 : 1);
    if (empty) this.#scope = outer;
    else this.#descend(element, raw, outer);
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
    if (this.#current) this.#content.add(element);
    else this.#root = element;
    return element;
  }

  #descend(element: XmlElement, raw: string, outer: NamespaceScope): void {
    if (++this.#depth > this.#limits.depth) throw new XmlFault(limitFault('depth', this.#limits.depth));
    this.#rawNames.push(raw);
    this.#scopes.push(outer);
    this.#content.open();
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
    const element = this.#current!;
    if (this.#textIn?.has(element.name)) this.#insideText--;
    element.children = this.#content.close();
    this.#current = element.parent;
  }

  /** Reads one attribute into the list and answers where it ended. */
  #attribute(start: number, count: number): number {
    const text = this.#text;
    if (count >= this.#limits.attributes * 2) throw new XmlFault(limitFault('attributes', this.#limits.attributes));
    const name = this.#names.read(text, start);
    const { end } = this.#names;
    const equals = skipBlank(text, end);
    if (name === '' || text.charCodeAt(equals) !== 0x3d)
      this.#fail(equals >= text.length ? 'truncated' : 'attribute', start);
    const quoteAt = skipBlank(text, equals + 1);
    const quote = text.charCodeAt(quoteAt);
    if (quote !== 0x22 && quote !== 0x27) this.#fail(quoteAt >= text.length ? 'truncated' : 'attribute', start);
    this.#attributes[count] = name;
    return this.#value(quoteAt, quote, count + 1);
  }

  /** Reads the value between quotes in one go: most are too short for searches to pay. */
  #value(quoteAt: number, quote: number, place: number): number {
    const text = this.#text;
    let at = quoteAt + 1;
    let hasReference = false;
    let hasMarkup = false;
    let hasControl = false;
    for (let code = text.charCodeAt(at); code !== quote; code = text.charCodeAt(++at)) {
      if (code > 0x3c) {
        if (code >= FIRST_NONCHARACTER) this.#fail('character', at);
      } else if (code < 0x20) hasControl = true;
      else if (code === 0x26) hasReference = true;
      else if (code === 0x3c) hasMarkup = true;
      else if (at >= text.length) this.#fail('truncated', quoteAt + 1);
    }
    if (hasMarkup) this.#fail('attribute', quoteAt);
    let value = text.slice(quoteAt + 1, at);
    if (hasControl) {
      this.#allowed(quoteAt, at);
      value = value.replace(/\r\n|[\t\n\r]/g, ' ');
    }
    this.#attributes[place] = hasReference ? this.#resolve(value, quoteAt + 1) : value;
    return at + 1;
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
      this.#at = this.#allowed(lt, end + 3);
    } else if (text.startsWith('<![CDATA[', lt) && this.#current) {
      const end = this.#allowed(lt, this.#find(']]>', lt + 9));
      const lifted = this.#lifted[this.#nextLifted];
      if (lifted && lifted.offset <= end) this.#takeLifted(lifted, lt + 9, end);
      if (end > lt + 9) this.#content.addText(unixLines(text.slice(lt + 9, end)));
      this.#at = end + 3;
    } else if (text.startsWith('<!DOCTYPE', lt)) throw new XmlFault(fault('xml-doctype'));
    else this.#fail('markup', lt);
  }

  #instruction(lt: number): void {
    const end = this.#find('?>', lt + 2);
    const target = this.#text.slice(lt + 2, nameEnd(this.#text, lt + 2));
    if (!isName(target) || /^xml$/i.test(target)) this.#fail('instruction', lt);
    this.#at = this.#allowed(lt, end + 2);
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
