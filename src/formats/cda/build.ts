import { warning } from '../../errors.ts';
import { attribute, elements, ownText, type XmlElement } from '../xml/index.ts';
import { readCode, readConcept, readIdentifier, readIdentifiers, readTemplate, readText } from './concepts.ts';
import { placeOf, type Reading } from './context.ts';
import { readMedia } from './media.ts';
import { type Plan, planOf, plansOf } from './names.ts';
import { readNarrative } from './narrative.ts';
import { nodeFrom } from './origin.ts';
import { readAddress, readPatientNames, readPersonName, readTelecom } from './people.ts';
import { readAmount, readNumber } from './quantities.ts';
import { readInstant, readTime } from './times.ts';
import type { CdaNode } from './tree.ts';
import { flag, readValue } from './values.ts';

/** An element and everything below it as a plain object of the tree. */
export function build(element: XmlElement, reading: Reading): CdaNode {
  const node = nodeFrom(element);
  if (element.name === 'relatedSubject') reading.relatives = true;
  const { attributes, children } = element;
  const plans = plansOf(element.name);
  for (let i = 0; i < attributes.length; i += 2) {
    setAttribute(node, planOf(plans, element.name, attributes[i]!), attributes[i + 1]!);
  }
  for (const one of children) {
    if (typeof one !== 'string') addChild(node, element, one, planOf(plans, element.name, one.name), reading);
  }
  return node;
}

function setAttribute(node: CdaNode, { property, reserved }: Plan, value: string): void {
  if (reserved || property === 'xsi_schemaLocation') return;
  node[property] = property.endsWith('Ind') ? (flag(value) ?? value) : value;
}

function addChild(node: CdaNode, parent: XmlElement, element: XmlElement, plan: Plan, reading: Reading): void {
  if (plan.reserved) return;
  const { property, once } = plan;
  if (once && node[property] !== undefined && attribute(parent, element.name) === undefined) {
    reading.faults.push(warning('cda-repeated', { place: placeOf(element), params: { element: element.name } }));
    return;
  }
  const values = read(parent, element, plan, reading);
  if (values === undefined) noteAbsent(element, reading);
  else if (once) node[property] = Array.isArray(values) ? values[0] : values;
  else append(node, property, values);
}

/** A list begins with its first values: an empty one would get room for seventeen. */
function append(node: CdaNode, property: string, values: unknown): void {
  const known = node[property];
  if (!Array.isArray(known)) node[property] = Array.isArray(values) ? values : [values];
  else if (Array.isArray(values)) known.push(...values);
  else known.push(values);
}

function noteAbsent(element: XmlElement, reading: Reading): void {
  const nullFlavor = attribute(element, 'nullFlavor');
  if (nullFlavor !== undefined) reading.absent.push({ place: placeOf(element), nullFlavor });
}

/** What one element is worth: a value, several (names of a patient), or nothing. */
function read(parent: XmlElement, element: XmlElement, plan: Plan, reading: Reading): unknown {
  switch (plan.kind) {
    case 'concept':
      return readConcept(element, reading);
    case 'template':
      return readTemplate(element);
    case 'identifier':
      return (plan.property === 'id' || plan.property === 'sdtc_id') && !plan.once
        ? readIdentifiers(element)
        : readIdentifier(element);
    case 'code':
      return readCode(element);
    case 'interval':
      return readTime(element, reading);
    case 'instant':
      return readInstant(element, reading);
    case 'value':
      return readOwnValue(parent, element, reading);
    case 'text':
      return readOwnText(parent, element, reading);
    case 'string':
      return ownText(element).replace(/\s+/g, ' ').trim() || undefined;
    case 'integer':
      return readNumber(attribute(element, 'value'));
    case 'boolean':
      return flag(attribute(element, 'value'));
    case 'amount':
      return readAmount(element, reading);
    case 'name':
      return readName(parent, element, plan, reading);
    case 'address':
      return readAddress(element);
    case 'telecom':
      return readTelecom(element);
    default:
      return build(element, reading);
  }
}

function readOwnValue(parent: XmlElement, element: XmlElement, reading: Reading): unknown {
  return parent.name === 'observationMedia' ? readMedia(element, reading) : readValue(element, reading);
}

function readOwnText(parent: XmlElement, element: XmlElement, reading: Reading): unknown {
  if (parent.name === 'section') return readNarrative(element);
  if (parent.name === 'nonXMLBody') return readMedia(element, reading);
  return readText(element, reading);
}

function readName(parent: XmlElement, element: XmlElement, plan: Plan, reading: Reading): unknown {
  if (parent.name === 'qualifier') return readConcept(element, reading);
  if (parent.name === 'patient') {
    const names = readPatientNames(element);
    return names.length ? names : undefined;
  }
  if (plan.person) return readPersonName(element);
  const text = ownText(element).replace(/\s+/g, ' ').trim();
  if (text) return text;
  const parts = elements(element);
  return parts.length
    ? parts
        .map((part) => ownText(part).trim())
        .join(' ')
        .trim() || undefined
    : undefined;
}
