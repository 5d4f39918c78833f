/** A small editable form of an XML document, enough to vary it: comments and declarations are left out. */
export interface Node {
  name: string;
  attributes: [string, string][];
  children: (Node | string)[];
}

const TOKEN =
  /<!--[\s\S]*?-->|<\?[\s\S]*?\?>|<!\[CDATA\[([\s\S]*?)\]\]>|<\/([^\s>]+)\s*>|<([^\s/>]+)((?:\s+[^\s=]+\s*=\s*(?:"[^"]*"|'[^']*'))*)\s*(\/?)>|([^<]+)/g;
const ATTRIBUTE = /([^\s=]+)\s*=\s*(?:"([^"]*)"|'([^']*)')/g;

export function parse(text: string): Node {
  const root: Node = { name: '', attributes: [], children: [] };
  const open = [root];
  for (const [, cdata, end, start, attributes, empty, words] of text.matchAll(TOKEN)) {
    const top = open[open.length - 1]!;
    if (start !== undefined) {
      const node: Node = {
        name: start,
        attributes: [...(attributes ?? '').matchAll(ATTRIBUTE)].map(([, name, a, b]) => [name!, a ?? b ?? '']),
        children: [],
      };
      top.children.push(node);
      if (empty !== '/') open.push(node);
    } else if (end !== undefined) open.pop();
    else if (cdata !== undefined) top.children.push(cdata.replaceAll('&', '&amp;').replaceAll('<', '&lt;'));
    else if (words !== undefined) top.children.push(words);
  }
  return root;
}

export function print(node: Node | string): string {
  if (typeof node === 'string') return node;
  const inner = node.children.map(print).join('');
  if (node.name === '') return inner;
  const attributes = node.attributes.map(([name, value]) => ` ${name}="${value.replaceAll('"', '&quot;')}"`).join('');
  return inner === '' ? `<${node.name}${attributes}/>` : `<${node.name}${attributes}>${inner}</${node.name}>`;
}

/** Every element below, with its parent. */
export function all(node: Node, found: { node: Node; parent: Node }[] = []): { node: Node; parent: Node }[] {
  for (const child of node.children) {
    if (typeof child === 'string') continue;
    found.push({ node: child, parent: node });
    all(child, found);
  }
  return found;
}
