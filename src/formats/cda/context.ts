import type { Part } from '../../conversion.ts';
import { type Fault, warning } from '../../errors.ts';
import { attribute, type XmlElement, xpath } from '../xml/index.ts';
import { plainText } from './plain-text.ts';

/** What one reading gathers beside the tree. */
export class Reading {
  readonly faults: Fault[] = [];
  readonly parts: Part[] = [];
  /** Values that only say why there is none (`nullFlavor`), left out of the tree. */
  readonly absent: { place: string; nullFlavor: string }[] = [];
  /** Only to say what is wrong: long documents inside are looked at, and stay as they are. */
  readonly inspects: boolean;
  /** Something is said of somebody else than the patient (`relatedSubject`). */
  relatives = false;
  readonly #root: XmlElement;
  readonly #places = new Map<XmlElement, string>();
  #targets: Map<string, XmlElement> | undefined;

  /** @param root the ClinicalDocument element */
  constructor(root: XmlElement, inspects = false) {
    this.#root = root;
    this.inspects = inspects;
  }

  /** {@link placeOf}, remembered: drafts, traces and accounts ask for the same ways again and again. */
  place(element: XmlElement): string {
    let place = this.#places.get(element);
    if (place === undefined) {
      place =
        element === this.#root || !element.parent
          ? `/${this.#root.name}`
          : this.place(element.parent) + step(element, element.parent);
      this.#places.set(element, place);
    }
    return place;
  }

  /** The text behind a reference into a narrative, with or without `#`; undefined when there is none. */
  referenced(reference: string): string | undefined {
    this.#targets ??= narrativeTargets(this.#root);
    const target = this.#targets.get(reference.startsWith('#') ? reference.slice(1) : reference);
    return target && (plainText(target) || undefined);
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
  const inText = (element: XmlElement) => {
    const id = attribute(element, 'ID');
    if (id !== undefined && !targets.has(id)) targets.set(id, element);
    for (const one of element.children) if (typeof one !== 'string') inText(one);
  };
  const inBody = (element: XmlElement) => {
    for (const one of element.children) {
      if (typeof one === 'string') continue;
      if (one.name === 'text') inText(one);
      else if (BODY.test(one.name)) inBody(one);
    }
  };
  inBody(root);
  return targets;
}

/** The way from the document to the texts of its sections. */
const BODY = /^(component|structuredBody|section)$/;

/** Last step of an element's XPath, with an index where a sibling has the same name. */
function step(element: XmlElement, parent: XmlElement): string {
  let before = 0;
  let all = 0;
  for (const one of parent.children) {
    if (one === element) before = all;
    if (typeof one !== 'string' && one.name === element.name) all++;
  }
  return all > 1 ? `/${element.name}[${before + 1}]` : `/${element.name}`;
}
