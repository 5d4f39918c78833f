/** One line of a printed section. */
export interface Line {
  kind: 'heading' | 'text' | 'item';
  text: string;
}

/** Longest narrative that is printed, in characters. */
const MOST = 2_000_000;

const named: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'", nbsp: ' ' };

/**
 * The words of an XHTML narrative (a `Narrative.div`) in lines: what begins a block begins a line, cells of a row are set
 * apart by bars. One pass over the text; markup that is none is shown as it stands.
 */
export function linesOf(div: string): Line[] {
  const lines: Line[] = [];
  let text = '';
  let kind: Line['kind'] = 'text';
  const flush = (next: Line['kind'] = 'text') => {
    const said = text
      .replace(/\s+/g, ' ')
      .trim()
      .replace(/^(\| )+|( \|)+$/g, '');
    if (said && said !== '|') lines.push({ kind, text: said });
    text = '';
    kind = next;
  };
  const source = div.slice(0, MOST);
  let at = 0;
  while (at < source.length) {
    const open = source.indexOf('<', at);
    const end = open < 0 ? -1 : source.indexOf('>', open);
    text += plain(source.slice(at, open < 0 ? undefined : open));
    if (end < 0) break;
    const tag = /^<(\/?)([A-Za-z][A-Za-z0-9]*)/.exec(source.slice(open, Math.min(end + 1, open + 32)));
    if (tag) startOf(tag[1] === '/', tag[2]!.toLowerCase());
    at = end + 1;
  }
  flush();
  return lines;

  function startOf(isEnd: boolean, name: string): void {
    if (/^(td|th)$/.test(name)) text += isEnd ? ' | ' : '';
    else if (/^h[1-6]$|^caption$/.test(name)) flush(isEnd ? 'text' : 'heading');
    else if (name === 'li') flush(isEnd ? 'text' : 'item');
    else if (/^(p|div|br|tr|table|ul|ol|dl|dt|dd|pre|blockquote|hr|thead|tbody)$/.test(name)) flush(kind);
  }
}

function plain(text: string): string {
  return text.replace(/&(?:#(\d{1,7})|#x([0-9a-fA-F]{1,6})|([a-z]{2,6}));/g, (whole, decimal, hex, name) => {
    if (name) return named[name] ?? whole;
    const code = decimal ? Number(decimal) : Number.parseInt(hex, 16);
    return code > 0 && code <= 0x10ffff ? String.fromCodePoint(code) : '';
  });
}
