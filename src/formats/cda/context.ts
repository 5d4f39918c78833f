import type { Part } from '../../conversion.ts';
import { type Fault, warning } from '../../errors.ts';
import { attribute, elements, type XmlElement, xpath } from '../xml/index.ts';
import { plainText } from './plain-text.ts';

/** What one reading gathers beside the tree. */
export class Reading {
  readonly faults: Fault[] = [];
  readonly parts: Part[] = [];
  /** Object of the tree → the element it came from, to name places. */
  readonly origins = new Map<object, XmlElement>();
  /** Values that only say why there is none (`nullFlavor`), left out of the tree. */
  readonly absent: { place: string; nullFlavor: string }[] = [];
  readonly #root: XmlElement;
  #targets: Map<string, XmlElement> | undefined;
  #shared: Set<string> | undefined;

  /** @param root the ClinicalDocument element */
  constructor(root: XmlElement) {
    this.#root = root;
  }

  /** The text behind a reference into a narrative, with or without `#`; undefined when there is none. */
  referenced(reference: string): string | undefined {
    this.#targets ??= narrativeTargets(this.#root);
    const target = this.#targets.get(reference.startsWith('#') ? reference.slice(1) : reference);
    return target && (plainText(target) || undefined);
  }

  /** True when a statement's id is on another statement of the document as well, so that it identifies neither. */
  isShared(key: string): boolean {
    this.#shared ??= sharedIds(this.#root);
    return this.#shared.has(key);
  }

  wrongValue(element: XmlElement, type: string): undefined {
    this.faults.push(warning('cda-value', { place: placeOf(element), params: { element: element.name, type } }));
    return undefined;
  }
}

/** XPath of an element from the ClinicalDocument on, also in a self-presenting document. */
export function placeOf(element: XmlElement): string {
  const path = xpath(element);
  const start = path.indexOf('/ClinicalDocument');
  return start > 0 ? path.slice(start) : path;
}

function narrativeTargets(root: XmlElement): Map<string, XmlElement> {
  const targets = new Map<string, XmlElement>();
  const visit = (element: XmlElement, inText: boolean) => {
    if (inText) {
      const id = attribute(element, 'ID');
      if (id !== undefined && !targets.has(id)) targets.set(id, element);
    }
    for (const one of element.children) {
      if (typeof one !== 'string') visit(one, inText || (one.name === 'text' && element.name === 'section'));
    }
  };
  for (const body of elements(root, 'component')) visit(body, false);
  return targets;
}

const STATEMENTS = /^(observation|act|organizer|procedure|encounter|supply|substanceAdministration|observationMedia)$/;

function sharedIds(root: XmlElement): Set<string> {
  const seen = new Set<string>();
  const shared = new Set<string>();
  const visit = (element: XmlElement) => {
    const statement = STATEMENTS.test(element.name);
    for (const one of element.children) {
      if (typeof one === 'string' || one.name === 'text') continue;
      if (one.name === 'id') {
        if (!statement) continue;
        const key = idKey(one);
        if (seen.has(key)) shared.add(key);
        else seen.add(key);
      } else visit(one);
    }
  };
  for (const body of elements(root, 'component')) visit(body);
  return shared;
}

/** Root and extension as one comparable text. */
export function idKey(id: XmlElement): string {
  return `${attribute(id, 'root')?.toLowerCase() ?? ''}^${attribute(id, 'extension') ?? ''}`;
}
