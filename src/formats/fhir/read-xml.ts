import type { Resource } from '@medplum/fhirtypes';
import type { Decoded } from '../../conversion.ts';
import { type Fault, fault } from '../../errors.ts';
import { attribute, elements, ownText, readXml as readElements, type XmlElement, xpath } from '../xml/index.ts';
import { elementsOf, holdsResource, isPrimitive, isResourceType } from './elements.ts';
import { refused } from './json.ts';
import { fhirLimits } from './limits.ts';
import { writeXhtml } from './xhtml.ts';

/** Namespaces of FHIR XML; names of XHTML get the prefix `h`. */
export const fhirNamespaces = { 'http://hl7.org/fhir': '', 'http://www.w3.org/1999/xhtml': 'h' };

/** Where white space between tags is text. */
const narrative = new Set(['h:div']);

type Json = Record<string, unknown>;

/**
 * Reads FHIR XML (https://hl7.org/fhir/R4/xml.html) into the JSON form: lists, numbers and booleans where R4 says so,
 * ids and extensions of primitives beside them (`_birthDate`), narrative as text. An element R4 does not know is a fault.
 */
export function readXml(bytes: Uint8Array): Decoded<Resource> {
  const { root, fault: found } = readElements(bytes, {
    namespaces: fhirNamespaces,
    textIn: narrative,
    limits: { depth: fhirLimits.depth },
  });
  if (!root) return refused(found!);
  if (!isResourceType(root.name)) {
    return refused(fault('fhir-resource-type', { place: '/', params: { type: root.name.slice(0, 60) } }));
  }
  const faults: Fault[] = [];
  const tree = resource(root, faults) as unknown as Resource;
  return { format: 'fhir', tree, faults, parts: [] };
}

/** The resource that elements stand for; what R4 does not know is put to `faults`. */
export function resourceOf(root: XmlElement, faults: Fault[]): Resource | undefined {
  return resource(root, faults) as unknown as Resource | undefined;
}

function resource(element: XmlElement, faults: Fault[]): Json | undefined {
  if (isResourceType(element.name)) return { resourceType: element.name, ...complex(element, element.name, faults) };
  faults.push(unknown(element));
  return undefined;
}

function unknown(element: XmlElement): Fault {
  return fault('fhir-element', { place: xpath(element), params: { element: element.name.slice(0, 80) } });
}

function complex(element: XmlElement, type: string, faults: Fault[]): Json {
  const table = elementsOf(type);
  const node: Json = {};
  for (const name of ['id', 'url']) {
    const value = attribute(element, name);
    if (value !== undefined && table?.has(name)) node[name] = value;
  }
  for (const child of elements(element)) {
    if (child.name === 'h:div' && type === 'Narrative') node.div = writeXhtml(child);
    else {
      const spec = table?.get(child.name);
      if (!spec) faults.push(unknown(child));
      else if (isPrimitive(spec.type)) primitive(node, child, spec, faults);
      else place(node, child, spec.list, value(child, spec.type, faults), faults);
    }
  }
  return node;
}

function value(element: XmlElement, type: string, faults: Fault[]): unknown {
  if (!holdsResource(type)) return complex(element, type, faults);
  const inner = elements(element)[0];
  return inner && resource(inner, faults);
}

function place(node: Json, element: XmlElement, list: boolean, read: unknown, faults: Fault[]): void {
  if (read === undefined) return;
  if (list) {
    node[element.name] ??= [];
    (node[element.name] as unknown[]).push(read);
  } else if (Object.hasOwn(node, element.name)) faults.push(unknown(element));
  else node[element.name] = read;
}

/** A primitive's value goes under its name, its id and extensions under the name with `_`, aligned by null in lists. */
function primitive(node: Json, element: XmlElement, spec: { type: string; list: boolean }, faults: Fault[]): void {
  const written = attribute(element, 'value') ?? (spec.type === 'base64Binary' ? liftedText(element) : undefined);
  const read = written === undefined ? null : typed(written, spec.type, element, faults);
  const more = companion(element, faults);
  const shadow = `_${element.name}`;
  if (!spec.list) {
    if (Object.hasOwn(node, element.name) || Object.hasOwn(node, shadow)) faults.push(unknown(element));
    else {
      if (read !== null) node[element.name] = read;
      if (more) node[shadow] = more;
    }
    return;
  }
  node[element.name] ??= [];
  const values = node[element.name] as unknown[];
  values.push(read);
  const shadows = node[shadow] as unknown[] | undefined;
  if (more && !shadows) node[shadow] = [...Array(values.length - 1).fill(null), more];
  else shadows?.push(more ?? null);
}

function companion(element: XmlElement, faults: Fault[]): Json | undefined {
  const id = attribute(element, 'id');
  const children = elements(element);
  if (id === undefined && !children.length) return undefined;
  return { ...(id === undefined ? {} : { id }), ...complex({ ...element, attributes: [] }, 'Element', faults) };
}

function liftedText(element: XmlElement): string | undefined {
  return element.lifted ? Buffer.from(element.lifted).toString('latin1') : ownText(element).trim() || undefined;
}

const NUMBER = /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/;

function typed(written: string, type: string, element: XmlElement, faults: Fault[]): unknown {
  if (type === 'boolean' && (written === 'true' || written === 'false')) return written === 'true';
  const numeric = /^(integer|positiveInt|unsignedInt|decimal)$/.test(type);
  if (numeric && written.length < 100 && NUMBER.test(written)) return Number(written);
  if (numeric || type === 'boolean') {
    faults.push(unknown(element));
    return null;
  }
  return written;
}
