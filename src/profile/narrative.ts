/** Narrative (rules txt-1 and txt-2), https://hl7.org/fhir/R4/narrative.html — one pass over the text, no backtracking. */

const elements = new Set(
  (
    'p br div h1 h2 h3 h4 h5 h6 a span b em i strong small big tt dfn q var abbr acronym cite blockquote hr address bdo ' +
    'kbd sub sup ul ol li dl dt dd pre table caption colgroup col thead tr tfoot tbody th td code samp img map area'
  ).split(' '),
);
const blocks = new Set(['div', 'blockquote', 'table', 'ol', 'ul', 'p']);
const attributes = new Set(
  (
    'xmlns title style class id lang xml:lang xml:space dir accesskey tabindex span width align valign char charoff abbr ' +
    'axis headers scope rowspan colspan a.href a.name img.src img.border blockquote.cite q.cite a.charset a.type ' +
    'a.hreflang a.rel a.rev a.shape a.coords img.alt img.longdesc img.height img.width img.usemap img.ismap map.name ' +
    'area.shape area.coords area.href area.nohref area.alt table.summary table.width table.border table.frame ' +
    'table.rules table.cellspacing table.cellpadding pre.space td.nowrap'
  ).split(' '),
);
const entities = new Set(['amp', 'lt', 'gt', 'quot', 'apos']);
const active = /^\s*(?:javascript|vbscript|data):/i;

/** What can be wrong with a narrative, in both languages. */
const problems = {
  'a tag is not well formed': 'une balise est mal formée',
  'an attribute is not closed': 'un attribut n’est pas fermé',
  'a character reference that XML does not know': 'une entité que XML ne connaît pas',
  'an element that narratives must not use': 'un élément interdit ici',
  'a block inside a paragraph': 'un bloc dans un paragraphe',
  'an attribute that narratives must not use': 'un attribut interdit ici',
  'active content in a link': 'un contenu actif dans un lien',
  'an image that is not there': 'une image absente',
  'it must be one div': 'il faut un seul div',
  'the div is not closed': 'le div n’est pas fermé',
  'tags are not nested': 'des balises se croisent',
  'the namespace of XHTML is missing': 'l’espace de noms XHTML manque',
  'nesting too deep': 'une imbrication trop profonde',
  'the div is not closed, or something follows it': 'le div n’est pas fermé, ou quelque chose le suit',
  'it holds no text': 'il ne contient pas de texte',
} as const;

type Problem = keyof typeof problems;

/** What is wrong with a narrative; `rule` is the invariant it breaks. */
export interface NarrativeProblem {
  rule: 'txt-1' | 'txt-2';
  en: string;
  fr: string;
}

function problemOf(rule: NarrativeProblem['rule'], problem: Problem): NarrativeProblem {
  return { rule, en: problem, fr: problems[problem] };
}

interface Tag {
  name: string;
  attributes: Map<string, string>;
  closing: boolean;
  selfClosed: boolean;
  end: number;
}

class Malformed extends Error {
  readonly problem: Problem;
  constructor(problem: Problem) {
    super(problem);
    this.problem = problem;
  }
}

/** Reads the tag that begins at `from`. */
function readTag(text: string, from: number): Tag {
  let at = from + 1;
  const closing = text[at] === '/';
  at += closing ? 1 : 0;
  const start = at;
  while (at < text.length && /[A-Za-z0-9:_-]/.test(text[at] as string)) {
    at++;
  }
  const tag: Tag = { name: text.slice(start, at), attributes: new Map(), closing, selfClosed: false, end: at };
  for (;;) {
    while (at < text.length && /\s/.test(text[at] as string)) {
      at++;
    }
    const next = text[at];
    if (next === '>') {
      return { ...tag, end: at + 1 };
    }
    if (next === '/' && text[at + 1] === '>') {
      return { ...tag, selfClosed: true, end: at + 2 };
    }
    const equals = text.indexOf('=', at);
    const name = text.slice(at, equals).trimEnd();
    const quote = text.slice(equals + 1).match(/^\s*(["'])/)?.[0];
    if (equals < 0 || quote === undefined || !/^[A-Za-z_][\w:.-]*$/.test(name) || tag.attributes.has(name)) {
      throw new Malformed('a tag is not well formed');
    }
    const open = equals + 1 + quote.length;
    const close = text.indexOf(quote.at(-1) as string, open);
    if (close < 0) {
      throw new Malformed('an attribute is not closed');
    }
    tag.attributes.set(name, text.slice(open, close));
    at = close + 1;
  }
}

function checkText(text: string): void {
  for (let at = text.indexOf('&'); at >= 0; at = text.indexOf('&', at + 1)) {
    const end = text.indexOf(';', at);
    const name = end < 0 || end - at > 12 ? '' : text.slice(at + 1, end);
    if (!entities.has(name) && !/^#(?:\d{1,7}|x[0-9A-Fa-f]{1,6})$/.test(name)) {
      throw new Malformed('a character reference that XML does not know');
    }
  }
}

function checkTag(tag: Tag, stack: string[]): Problem | undefined {
  const { name } = tag;
  if (!elements.has(name)) {
    return 'an element that narratives must not use';
  }
  if (blocks.has(name) && stack.includes('p')) {
    return 'a block inside a paragraph';
  }
  for (const [attribute, value] of tag.attributes) {
    if (!attributes.has(attribute) && !attributes.has(`${name}.${attribute}`)) {
      return 'an attribute that narratives must not use';
    }
    checkText(value);
    if ((attribute === 'href' || attribute === 'src') && active.test(value) && !/^\s*data:image\//i.test(value)) {
      return 'active content in a link';
    }
    if (attribute === 'src' && value.startsWith('#')) {
      return 'an image that is not there';
    }
  }
  return undefined;
}

/** Judges the `div` of a Narrative; nothing when it is as FHIR wants it. */
export function narrativeProblem(div: string): NarrativeProblem | undefined {
  try {
    return read(div.trim());
  } catch (error) {
    if (error instanceof Malformed) {
      return problemOf('txt-1', error.problem);
    }
    throw error;
  }
}

function read(text: string): NarrativeProblem | undefined {
  const stack: string[] = [];
  let content = false;
  let at = 0;
  if (!text.startsWith('<div')) {
    throw new Malformed('it must be one div');
  }
  while (at < text.length) {
    const open = text.indexOf('<', at);
    const run = text.slice(at, open < 0 ? text.length : open);
    checkText(run);
    content ||= run.trim().length > 0;
    if (open < 0) {
      throw new Malformed('the div is not closed');
    }
    if (text.startsWith('<!--', open)) {
      const close = text.indexOf('-->', open);
      at = close < 0 ? text.length : close + 3;
      continue;
    }
    const tag = readTag(text, open);
    at = tag.end;
    if (tag.closing) {
      if (stack.pop() !== tag.name) {
        throw new Malformed('tags are not nested');
      }
    } else {
      const problem = checkTag(tag, stack);
      if (problem !== undefined) {
        return problemOf('txt-1', problem);
      }
      if (stack.length === 0 && tag.attributes.get('xmlns') !== 'http://www.w3.org/1999/xhtml') {
        return problemOf('txt-1', 'the namespace of XHTML is missing');
      }
      content ||= tag.name === 'img';
      if (!tag.selfClosed) {
        stack.push(tag.name);
      } else if (stack.length === 0) {
        break;
      }
      if (stack.length > 100) {
        throw new Malformed('nesting too deep');
      }
    }
    if (stack.length === 0) {
      break;
    }
  }
  if (stack.length > 0 || at < text.length) {
    throw new Malformed('the div is not closed, or something follows it');
  }
  return content ? undefined : problemOf('txt-2', 'it holds no text');
}
