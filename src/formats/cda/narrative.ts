import type { Narrative } from '@medplum/fhirtypes';
import { attribute, type XmlElement } from '../xml/index.ts';

/**
 * CDA narrative block (StrucDoc.Text) → FHIR Narrative. Only elements and attributes FHIR allows come out
 * (https://hl7.org/fhir/R4/narrative.html#xhtml), whatever stood in the document: the text is kept, anything active is not.
 */

const XHTML = 'http://www.w3.org/1999/xhtml';

/** Element → XHTML element; those not named are passed over and their content kept. */
const tags: Record<string, string> = Object.assign(Object.create(null), {
  paragraph: 'p',
  item: 'li',
  content: 'span',
  table: 'table',
  thead: 'thead',
  tbody: 'tbody',
  tfoot: 'tfoot',
  tr: 'tr',
  th: 'th',
  td: 'td',
  col: 'col',
  colgroup: 'colgroup',
  br: 'br',
  sub: 'sub',
  sup: 'sup',
  footnote: 'span',
});

/** Elements without a plain counterpart. */
const writers: Record<string, (element: XmlElement, out: string[]) => void> = Object.assign(Object.create(null), {
  list: writeList,
  linkHtml: writeLink,
  renderMultiMedia: writeMedia,
  caption: writeCaption,
});

const EMPTY = /^(br|col)$/;

/** Where XHTML allows no character data: white space there is dropped, anything else would be invalid. */
const NO_TEXT = /^(table|thead|tbody|tfoot|tr|colgroup|list)$/;

/** FHIR narrative of a section's text, undefined when it says nothing. */
export function readNarrative(element: XmlElement): Narrative | undefined {
  const out: string[] = [];
  writeChildren(element, out);
  const inner = out.join('');
  if (!/[^\s]/.test(inner.replace(/<[^>]*>/g, ''))) return undefined;
  return { status: 'additional', div: `<div xmlns="${XHTML}">${inner.trim()}</div>` };
}

function writeChildren(element: XmlElement, out: string[]): void {
  const bare = NO_TEXT.test(element.name);
  for (const one of element.children) {
    if (typeof one !== 'string') write(one, out);
    else if (!bare || /\S/.test(one)) out.push(escapeText(one.replace(/\s+/g, ' ')));
  }
}

function write(element: XmlElement, out: string[]): void {
  const special = writers[element.name];
  const tag = tags[element.name];
  if (special) special(element, out);
  else if (tag) writeTag(element, tag, out);
  else writeChildren(element, out);
}

function writeTag(element: XmlElement, tag: string, out: string[]): void {
  out.push('<', tag, ...attributesOf(element, tag), revisionOf(element));
  if (EMPTY.test(tag)) {
    out.push('/>');
    return;
  }
  out.push('>');
  const style = styleOf(element);
  out.push(...style.map((one) => `<${one}>`));
  writeChildren(element, out);
  out.push(...style.reverse().map((one) => `</${one}>`), '</', tag, '>');
}

/** XHTML knows captions of tables only; those of items, paragraphs and pictures stand before their content. */
function writeCaption(element: XmlElement, out: string[]): void {
  if (element.parent?.name === 'table') {
    writeTag(element, 'caption', out);
    return;
  }
  out.push('<b', ...attributesOf(element, 'b'), '>');
  writeChildren(element, out);
  out.push('</b> ');
}

/** What a new version took out is struck through: it must not read as if it still held. FHIR narrative has no `del`. */
function revisionOf(element: XmlElement): string {
  return attribute(element, 'revised') === 'delete' ? ' style="text-decoration: line-through"' : '';
}

/** List captions have no counterpart inside a list: they stand before it. */
function writeList(element: XmlElement, out: string[]): void {
  const tag = attribute(element, 'listType') === 'ordered' ? 'ol' : 'ul';
  for (const one of element.children) {
    if (typeof one !== 'string' && one.name === 'caption') {
      out.push('<p>');
      writeChildren(one, out);
      out.push('</p>');
    }
  }
  const items = element.children.filter((one): one is XmlElement => typeof one !== 'string' && one.name === 'item');
  if (!items.length) return;
  out.push('<', tag, ...attributesOf(element, tag), '>');
  for (const item of items) write(item, out);
  out.push('</', tag, '>');
}

function writeLink(element: XmlElement, out: string[]): void {
  const href = attribute(element, 'href')?.trim() ?? '';
  const safe = /^(https?:\/\/|mailto:|#)/i.test(href);
  out.push(
    '<',
    safe ? 'a' : 'span',
    ...attributesOf(element, 'a'),
    safe ? ` href="${escapeAttribute(href)}"` : '',
    '>',
  );
  const before = out.length;
  writeChildren(element, out);
  if (out.length === before) out.push(escapeText(href));
  out.push(safe ? '</a>' : '</span>');
}

/** The media itself is a part of its own; the narrative says where it was shown. */
function writeMedia(element: XmlElement, out: string[]): void {
  const target = attribute(element, 'referencedObject')?.trim() ?? '';
  out.push('<span', ...attributesOf(element, 'span'), '>');
  const before = out.length;
  writeChildren(element, out);
  if (out.length === before && target) out.push(`[${escapeText(target)}]`);
  out.push('</span>');
}

function attributesOf(element: XmlElement, tag: string): string[] {
  const list = element.attributes;
  if (list.length === 0) return [];
  const kept: string[] = [];
  for (let i = 0; i < list.length; i += 2) {
    const name = list[i]!;
    const value = list[i + 1]!.trim();
    if (name === 'ID' && value && !/\s/.test(value)) kept.push(` id="${escapeAttribute(value)}"`);
    else if ((name === 'colspan' || name === 'rowspan') && (tag === 'td' || tag === 'th') && /^\d{1,3}$/.test(value)) {
      kept.push(` ${name}="${value}"`);
    } else if (name === 'title' && value) kept.push(` title="${escapeAttribute(value)}"`);
  }
  return kept;
}

/** styleCode → elements with the same look; border rules and the like are left to the reader's style sheet. */
function styleOf(element: XmlElement): string[] {
  const codes = attribute(element, 'styleCode');
  if (!codes || NO_TEXT.test(element.name)) return [];
  const style: string[] = [];
  if (/bold/i.test(codes)) style.push('b');
  if (/italics|emphasis/i.test(codes)) style.push('i');
  return style;
}

function escapeText(text: string): string {
  return /[&<>]/.test(text) ? text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;') : text;
}

function escapeAttribute(text: string): string {
  return escapeText(text).replace(/"/g, '&quot;');
}
