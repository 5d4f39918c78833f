import type { Resource } from '@medplum/fhirtypes';
import { elementsOf, holdsResource, isPrimitive, isResourceType } from './elements.ts';
import { cleanDiv, escapeXml } from './xhtml.ts';

type Json = Record<string, unknown>;

/**
 * Writes a resource as FHIR XML (https://hl7.org/fhir/R4/xml.html), elements in the order of the schema. What R4 does not
 * know has no place in XML and is left out.
 * @throws TypeError when `resource` is not a FHIR R4 resource
 */
export function writeXml(resource: Resource): Uint8Array {
  if (!isResourceType(resource?.resourceType))
    throw new TypeError('Not a FHIR R4 resource: give one with a resourceType.');
  const out: string[] = ['<?xml version="1.0" encoding="UTF-8"?>\n'];
  writeResource(resource as unknown as Json, ' xmlns="http://hl7.org/fhir"', out);
  return new TextEncoder().encode(out.join(''));
}

function writeResource(resource: Json, namespace: string, out: string[]): void {
  const type = resource.resourceType;
  if (typeof type !== 'string' || !isResourceType(type)) return;
  const inner: string[] = [];
  writeElements(resource, type, inner);
  element(type, namespace, inner, out);
}

function element(name: string, attributes: string, inner: string[], out: string[]): void {
  if (inner.length) out.push(`<${name}${attributes}>`, ...inner, `</${name}>`);
  else out.push(`<${name}${attributes}/>`);
}

function writeElements(node: Json, type: string, out: string[]): void {
  const resource = isResourceType(type);
  for (const [name, spec] of elementsOf(type) ?? []) {
    const isAttribute = (name === 'id' && !resource) || (name === 'url' && type === 'Extension');
    if (isAttribute) continue;
    const value = Object.hasOwn(node, name) ? node[name] : undefined;
    if (name === 'div' && type === 'Narrative') {
      if (typeof value === 'string') out.push(cleanDiv(value));
    } else if (isPrimitive(spec.type))
      writePrimitives(name, value, Object.hasOwn(node, `_${name}`) ? node[`_${name}`] : undefined, out);
    else for (const one of asList(value)) writeComplex(name, one, spec.type, out);
  }
}

const asList = (value: unknown): unknown[] =>
  value === undefined || value === null ? [] : Array.isArray(value) ? value : [value];

function writeComplex(name: string, value: unknown, type: string, out: string[]): void {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return;
  const node = value as Json;
  const inner: string[] = [];
  if (holdsResource(type)) {
    writeResource(node, '', inner);
    if (inner.length) element(name, '', inner, out);
    return;
  }
  writeElements(node, type, inner);
  const attributes =
    idAttribute(node) + (type === 'Extension' && typeof node.url === 'string' ? ` url="${escapeXml(node.url)}"` : '');
  if (inner.length || attributes) element(name, attributes, inner, out);
}

function idAttribute(node: Json): string {
  return typeof node.id === 'string' ? ` id="${escapeXml(node.id)}"` : '';
}

function writePrimitives(name: string, value: unknown, shadow: unknown, out: string[]): void {
  const values = asList(value);
  const shadows = asList(shadow);
  for (let i = 0; i < Math.max(values.length, shadows.length); i++) {
    const one = values[i];
    const more = shadows[i];
    const companion = typeof more === 'object' && more !== null ? (more as Json) : {};
    const written = typeof one === 'object' || one === undefined ? '' : ` value="${escapeXml(String(one))}"`;
    const inner: string[] = [];
    for (const extension of asList(companion.extension)) writeComplex('extension', extension, 'Extension', inner);
    const attributes = idAttribute(companion) + written;
    if (attributes || inner.length) element(name, attributes, inner, out);
  }
}
