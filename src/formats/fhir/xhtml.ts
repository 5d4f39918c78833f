import { readXml, type XmlElement } from '../xml/index.ts';

const XHTML = 'http://www.w3.org/1999/xhtml';
const EMPTY = /^(br|hr|img|col|area)$/;

/** XHTML elements (prefix `h`) as text; anything of another namespace is left out with its content. */
export function writeXhtml(element: XmlElement, outermost = true): string {
  if (!element.name.startsWith('h:')) return '';
  const name = element.name.slice(2);
  let out = `<${name}${outermost ? ` xmlns="${XHTML}"` : ''}`;
  for (let i = 0; i < element.attributes.length; i += 2) {
    out += ` ${element.attributes[i]}="${escapeXml(element.attributes[i + 1]!)}"`;
  }
  if (element.children.length === 0 && EMPTY.test(name)) return `${out}/>`;
  out += '>';
  for (const child of element.children) out += typeof child === 'string' ? escapeXml(child) : writeXhtml(child, false);
  return `${out}</${name}>`;
}

/** The div of a narrative made fit to stand inside an XML document: re-read and written again, or its text alone. */
export function cleanDiv(div: string): string {
  const { root } = readXml(new TextEncoder().encode(div), {
    namespaces: { [XHTML]: 'h', '': 'h' },
    limits: { depth: 64 },
  });
  if (root?.name === 'h:div') return writeXhtml(root);
  const text = div.replace(/<[^<>]{0,1000}>/g, ' ');
  return `<div xmlns="${XHTML}">${escapeXml(text)}</div>`;
}

/** Text or attribute value of XML 1.0; characters XML cannot hold are left out. */
export function escapeXml(text: string): string {
  const legal = /[\0-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]|[\ud800-\udfff]/.test(text)
    ? text.toWellFormed().replace(/[\0-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/g, '')
    : text;
  if (!/[&<>"\n\r\t]/.test(legal)) return legal;
  return legal
    .replace(/&/g, '&amp;')
    .replace(/</g, '&lt;')
    .replace(/>/g, '&gt;')
    .replace(/"/g, '&quot;')
    .replace(/\r/g, '&#13;')
    .replace(/\n/g, '&#10;')
    .replace(/\t/g, '&#9;');
}
