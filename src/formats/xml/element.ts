/** One element of a document read by {@link readXml}. Namespace declarations are resolved and gone. */
export interface XmlElement {
  /**
   * Local name with the reader's own prefix of its namespace (`pharm:formCode`), the local name alone for the main
   * namespace, `{uri}local` for a namespace the reader was not told about.
   */
  name: string;
  /** Name and value of each attribute in turn; names as for elements, attributes without prefix keep their plain name. */
  attributes: string[];
  /** Elements and texts in order; adjacent texts and CDATA are one string. Comments and instructions are left out. */
  children: (XmlElement | string)[];
  parent?: XmlElement;
  /** Offset of its `<` in the decoded text, for messages. */
  offset: number;
  /** The element's content, when it was so long that it was never made a string: the bytes as they stand in the source. */
  lifted?: Uint8Array;
}

/** The one empty list all elements without attributes share. */
export const noAttributes: string[] = [];

/** Value of an attribute, undefined when absent. */
export function attribute(element: XmlElement, name: string): string | undefined {
  const list = element.attributes;
  for (let i = 0; i < list.length; i += 2) if (list[i] === name) return list[i + 1];
  return undefined;
}

/** First child element of that name. */
export function child(element: XmlElement, name: string): XmlElement | undefined {
  for (const one of element.children) if (typeof one !== 'string' && one.name === name) return one;
  return undefined;
}

/** Child elements, all or of one name. */
export function elements(element: XmlElement, name?: string): XmlElement[] {
  const found: XmlElement[] = [];
  for (const one of element.children) if (typeof one !== 'string' && (!name || one.name === name)) found.push(one);
  return found;
}

/** The element's own text, without that of elements inside. */
export function ownText(element: XmlElement): string {
  const { children } = element;
  if (children.length === 1 && typeof children[0] === 'string') return children[0];
  let text = '';
  for (const one of children) if (typeof one === 'string') text += one;
  return text;
}

/** Absolute XPath of an element, with an index where a sibling has the same name. */
export function xpath(element: XmlElement): string {
  if (!element.parent) return `/${element.name}`;
  const same = elements(element.parent, element.name);
  return `${xpath(element.parent)}/${element.name}${same.length > 1 ? `[${same.indexOf(element) + 1}]` : ''}`;
}
