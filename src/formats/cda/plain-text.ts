import type { XmlElement } from '../xml/index.ts';

/** Narrative elements that stand apart from their neighbours. */
const BLOCK = /^(paragraph|item|td|th|tr|br|caption|list|table)$/;

/** The text of a narrative element as one line, blocks and cells separated by blanks. */
export function plainText(element: XmlElement): string {
  const pieces: string[] = [];
  gather(element, pieces);
  return pieces.join('').replace(/\s+/g, ' ').trim();
}

function gather(element: XmlElement, pieces: string[]): void {
  for (const one of element.children) {
    if (typeof one === 'string') pieces.push(one);
    else {
      const block = BLOCK.test(one.name);
      if (block) pieces.push(' ');
      gather(one, pieces);
      if (block) pieces.push(' ');
    }
  }
}
