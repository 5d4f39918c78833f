// XML Patch, https://www.rfc-editor.org/rfc/rfc5261, over FHIR XML, https://hl7.org/fhir/R4/http.html#patch
import type { Resource } from '@medplum/fhirtypes';
import { type Fault, fault } from '../../errors.ts';
import { attribute, elements, ownText, readXml as readElements, type XmlElement } from '../xml/index.ts';
import { fhirLimits } from './limits.ts';
import { fhirNamespaces, resourceOf } from './read-xml.ts';
import { writeXml } from './write-xml.ts';

/** Most operations of one patch, and longest selector. */
const MAX_OPERATIONS = 1000;
const MAX_SELECTOR = 1000;

/** The resource after the patch, or why it could not be applied. */
export type Patched = { resource: Resource; faults?: undefined } | { resource?: undefined; faults: Fault[] };

/** What a selector leads to: an element, one of its attributes, or an operation that cannot be. */
interface Node {
  element: XmlElement;
  attribute?: string;
}

class PatchFault extends Error {}

/**
 * Applies an XML Patch to a resource. Selectors are the location paths of RFC 5261: names, `*`, `[n]`, `[@name='value']`,
 * `[name]`, a last step `@name`; prefixes are passed over, since no two elements of FHIR differ by them alone.
 *
 * @returns the patched resource, or `patch-failed` with the operation as place
 */
export function patchXml(resource: Resource, patch: Uint8Array): Patched {
  const read = readElements(patch, { namespaces: fhirNamespaces, limits: { depth: fhirLimits.depth } });
  if (!read.root) return { faults: [read.fault] };
  if (local(read.root.name) !== 'diff') return { faults: [failed('the root of an XML Patch is diff', '/')] };
  const operations = elements(read.root);
  if (operations.length > MAX_OPERATIONS)
    return { faults: [failed(`more than ${MAX_OPERATIONS} operations`, '/diff')] };
  const { root } = readElements(writeXml(resource), { namespaces: fhirNamespaces, textIn: new Set(['h:div']) });
  if (!root) return { faults: [failed('the resource cannot be written as XML', '/')] };
  for (const [index, operation] of operations.entries()) {
    try {
      apply(operation, root);
    } catch (error) {
      if (!(error instanceof PatchFault)) throw error;
      return { faults: [failed(error.message, `/diff/*[${index + 1}]`)] };
    }
  }
  const faults: Fault[] = [];
  const patched = resourceOf(root, faults);
  if (faults.length > 0 || !patched) return { faults: faults.length > 0 ? faults : [failed('nothing is left', '/')] };
  return { resource: patched };
}

function apply(operation: XmlElement, root: XmlElement): void {
  const node = find(attribute(operation, 'sel') ?? '', root);
  const name = local(operation.name);
  if (name === 'add') add(operation, node, root);
  else if (name === 'replace') replace(operation, node, root);
  else if (name === 'remove') remove(node, root);
  else throw new PatchFault('an operation is add, replace or remove');
}

function add(operation: XmlElement, { element, attribute: named }: Node, root: XmlElement): void {
  if (named !== undefined) throw new PatchFault('something is added to an element, not to an attribute');
  const type = attribute(operation, 'type');
  if (type?.startsWith('@')) {
    if (attribute(element, local(type)) !== undefined) throw new PatchFault('the attribute is there already');
    element.attributes = [...element.attributes, local(type.slice(1)), ownText(operation).trim()];
    return;
  }
  if (type !== undefined) throw new PatchFault('of types only @name is taken');
  const added = contentOf(operation);
  const position = attribute(operation, 'pos');
  if (position === 'before' || position === 'after') {
    const { parent, at } = within(element, root);
    parent.children.splice(position === 'before' ? at : at + 1, 0, ...adopted(added, parent));
  } else if (position === 'prepend') element.children.unshift(...adopted(added, element));
  else if (position === undefined) element.children.push(...adopted(added, element));
  else throw new PatchFault('pos is before, after or prepend');
}

function replace(operation: XmlElement, { element, attribute: named }: Node, root: XmlElement): void {
  if (named !== undefined) {
    element.attributes = element.attributes.slice();
    element.attributes[indexOf(element, named) + 1] = ownText(operation).trim();
    return;
  }
  const by = contentOf(operation);
  if (by.length !== 1) throw new PatchFault('an element is replaced by one element');
  const { parent, at } = within(element, root);
  parent.children.splice(at, 1, ...adopted(by, parent));
}

function remove({ element, attribute: named }: Node, root: XmlElement): void {
  if (named !== undefined) {
    element.attributes = element.attributes.slice();
    element.attributes.splice(indexOf(element, named), 2);
    return;
  }
  const { parent, at } = within(element, root);
  parent.children.splice(at, 1);
}

/** Where an attribute's name stands among names and values; -1 when it is not there. */
function indexOf({ attributes }: XmlElement, name: string): number {
  return attributes.findIndex((one, at) => at % 2 === 0 && one === name);
}

/** The elements that an operation brings; those without namespace count as FHIR's. */
function contentOf(operation: XmlElement): XmlElement[] {
  const found = elements(operation);
  if (found.length === 0) throw new PatchFault('the operation brings no element');
  return found.map(inFhir);
}

function inFhir(element: XmlElement): XmlElement {
  const children = element.children
    .filter((one) => typeof one !== 'string' || one.trim() !== '' || element.name.startsWith('h:'))
    .map((one) => (typeof one === 'string' ? one : inFhir(one)));
  return { ...element, name: element.name.replace(/^\{\}/, ''), children };
}

function adopted(added: XmlElement[], parent: XmlElement): XmlElement[] {
  return added.map((one) => Object.assign(one, { parent }));
}

function within(element: XmlElement, root: XmlElement): { parent: XmlElement; at: number } {
  const { parent } = element;
  if (!parent || element === root) throw new PatchFault('the resource itself stays');
  return { parent, at: parent.children.indexOf(element) };
}

const STEP = /^(?:[\w.-]{1,64}:)?([\w.-]{1,64}|\*)((?:\[[^\]]{1,300}\])*)$/;

/** Exactly one node, or the patch does not apply (RFC 5261, 4.1). */
function find(selector: string, root: XmlElement): Node {
  if (selector.length > MAX_SELECTOR) throw new PatchFault('the selector is too long');
  const steps = stepsOf(selector);
  const last = steps.at(-1) ?? '';
  const named = /^@(?:[\w.-]+:)?([\w.-]+)$/.exec(last)?.[1];
  let found = [root];
  for (const [index, step] of (named === undefined ? steps : steps.slice(0, -1)).entries()) {
    const from = index === 0 ? [[root]] : found.map((one) => elements(one));
    found = from.flatMap((siblings) => matching(step, siblings));
  }
  const [element] = found;
  if (!element || steps.length === 0) throw new PatchFault('the selector leads nowhere');
  if (found.length > 1) throw new PatchFault('the selector leads to several nodes');
  if (named !== undefined && indexOf(element, named) < 0) throw new PatchFault('the selector leads nowhere');
  return { element, ...(named === undefined ? {} : { attribute: named }) };
}

/** Steps between slashes; a slash in quotes is none. */
function stepsOf(selector: string): string[] {
  const parts = selector.trim().match(/(?:'[^']*'|"[^"]*"|[^/'"])+/g) ?? [];
  return parts.map((one) => one.trim()).filter(Boolean);
}

function matching(step: string, siblings: XmlElement[]): XmlElement[] {
  const [, name = '', predicates = ''] = STEP.exec(step) ?? [];
  if (!name) throw new PatchFault('the selector uses more of XPath than a patch may');
  let found = siblings.filter((one) => name === '*' || local(one.name) === name);
  for (const [, text = ''] of predicates.matchAll(/\[([^\]]*)\]/g)) {
    const position = /^\s*(\d{1,6})\s*$/.exec(text)?.[1];
    const [, by, , value] = /^\s*@(?:[\w.-]+:)?([\w.-]+)\s*=\s*(['"])(.*)\2\s*$/.exec(text) ?? [];
    const below = /^\s*(?:[\w.-]+:)?([\w.-]+)\s*$/.exec(text)?.[1];
    if (position !== undefined) found = found.slice(Number(position) - 1, Number(position));
    else if (by !== undefined) found = found.filter((one) => attribute(one, by) === value);
    else if (below !== undefined) found = found.filter((one) => elements(one).some((two) => local(two.name) === below));
    else throw new PatchFault('the selector uses more of XPath than a patch may');
  }
  return found;
}

/** A name without the reader's prefix or namespace. */
function local(name: string): string {
  return name.replace(/^\{[^}]*\}/, '').replace(/^[^:]*:/, '');
}

function failed(reason: string, place: string): Fault {
  return fault('patch-failed', { place, params: { reason } });
}
