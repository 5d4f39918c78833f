/** What a FHIR narrative may hold, https://hl7.org/fhir/R4/narrative.html#rules: basic formatting, no script, no frames. */
const ELEMENTS = new Set(
  (
    'div p br hr span b i u em strong small big tt sub sup ul ol li dl dt dd h1 h2 h3 h4 h5 h6 table caption colgroup col ' +
    'thead tbody tfoot tr th td pre code blockquote q cite abbr acronym dfn samp kbd var a img'
  ).split(' '),
);
const ATTRIBUTES = new Set(
  (
    'xmlns class id style title lang xml:lang dir href name src alt border cellpadding cellspacing colspan rowspan align ' +
    'valign width height scope headers abbr axis char charoff frame rules summary span start type compact nowrap'
  ).split(' '),
);
const ATTRIBUTE = /\s+([a-zA-Z:]+)\s*=\s*(?:"([^"<]*)"|'([^'<]*)')/y;
const ALLOWED_URL = /^(?:#|https?:|mailto:|tel:|data:image\/)/i;

/**
 * Looks at each tag once. Says whether a text is well-formed XHTML made only of the allowed elements and attributes, each
 * closed; anything doubtful is not.
 */
export function isSafeXhtml(words: string): boolean {
  const open: string[] = [];
  let at = words.indexOf('<');
  while (at >= 0) {
    const end = words.indexOf('>', at);
    if (end < 0) return false;
    const tag = words.slice(at + 1, end);
    if (tag.startsWith('/')) {
      if (open.pop() !== tag.slice(1).trim()) return false;
    } else {
      const closed = tag.endsWith('/');
      const name = /^[a-z][a-z0-9]*/.exec(tag)?.[0] ?? '';
      if (!ELEMENTS.has(name) || !attributesAllowed(closed ? tag.slice(0, -1) : tag, name.length)) return false;
      if (!closed) open.push(name);
    }
    at = words.indexOf('<', end);
    if (at >= 0 && open.length === 0) return false;
  }
  return open.length === 0 && words.endsWith('>');
}

function attributesAllowed(tag: string, from: number): boolean {
  let at = from;
  while (at < tag.length) {
    if (tag.slice(at).trim() === '') return true;
    ATTRIBUTE.lastIndex = at;
    const match = ATTRIBUTE.exec(tag);
    if (!match) return false;
    const name = match[1]!;
    const value = match[2] ?? match[3] ?? '';
    if (!ATTRIBUTES.has(name)) return false;
    if ((name === 'href' || name === 'src') && !ALLOWED_URL.test(value.trim())) return false;
    if (name === 'style' && /expression|url\s*\(|javascript/i.test(value)) return false;
    at = ATTRIBUTE.lastIndex;
  }
  return true;
}
