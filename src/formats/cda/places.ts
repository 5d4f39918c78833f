import type { Places } from '../../conversion.ts';
import { attribute, elements, type XmlElement } from '../xml/index.ts';
import type { Reading } from './context.ts';
import { propertyName } from './names.ts';
import { elementOf } from './origin.ts';

/**
 * XPath of a value of the tree. Objects remember their element; below one, inside a datatype, the way goes by names:
 * `recordTarget[0].patientRole.id[1].value` → `/ClinicalDocument/recordTarget/patientRole/id[2]/@extension`.
 */
export function placesOf(reading: Reading, tree: object): Places {
  return (path) => {
    let node: unknown = tree;
    let element = elementOf(tree);
    let known = 0;
    for (let i = 0; i < path.length && typeof node === 'object' && node !== null; i++) {
      node = (node as Record<string | number, unknown>)[path[i]!];
      const origin = elementOf(node);
      if (origin) {
        element = origin;
        known = i + 1;
      }
    }
    return element ? below(reading, element, path.slice(known)) : '/ClinicalDocument';
  };
}

function below(reading: Reading, element: XmlElement, rest: readonly (string | number)[]): string {
  if (rest.length === 0) return reading.place(element);
  const [property, second] = rest;
  const name = property;
  const index = typeof second === 'number' ? second : 0;
  const found = elements(element).filter((one) => propertyName(one.name) === name);
  const child = name === 'templateId' ? found[0] : found[Math.min(index, found.length - 1)];
  if (!child) return `${reading.place(element)}/@${String(property).replace('_', ':')}`;
  return inDatatype(reading, child, rest.slice(typeof second === 'number' ? 2 : 1));
}

/** Property of a FHIR datatype → attribute of the CDA datatype it came from. */
const attributes: Record<string, string> = {
  'Identifier.system': 'root',
  value: 'value',
  unit: 'unit',
  code: 'code',
  system: 'codeSystem',
  display: 'displayName',
  version: 'codeSystemVersion',
  nullFlavor: 'nullFlavor',
  use: 'use',
};

/** What goes along with an attribute: a code's system and name with the code, a number's root with it, a unit with its value. */
const companions: Record<string, string[]> = {
  code: ['codeSystem', 'codeSystemName', 'codeSystemVersion', 'displayName'],
  extension: ['root', 'assigningAuthorityName'],
  value: ['unit'],
};

/** See `Decoded.tied`. */
export function tied(place: string): string[] {
  const at = place.lastIndexOf('/@');
  const attribute = at < 0 ? '' : place.slice(at + 2);
  if (!Object.hasOwn(companions, attribute)) return [];
  return companions[attribute]!.map((other) => `${place.slice(0, at)}/@${other}`);
}

function inDatatype(reading: Reading, element: XmlElement, rest: readonly (string | number)[]): string {
  const place = reading.place(element);
  const last = rest[rest.length - 1];
  if (rest.length === 0 || typeof last !== 'string') return place;
  if (element.name === 'id' || element.name === 'setId' || element.name === 'dicom:accessionNumber')
    return `${place}/@${last === 'system' ? 'root' : 'extension'}`;
  const coding = rest.indexOf('coding');
  const index = coding >= 0 ? rest[coding + 1] : undefined;
  if (typeof index === 'number' && index > 0) {
    const translation = elements(element, 'translation')[index - 1];
    if (translation) return `${reading.place(translation)}/@${attributes[last] ?? last}`;
  }
  if (last === 'start') return `${place}/low/@value`;
  if (last === 'end') return `${place}/high/@value`;
  if (last === 'text' || last === 'valueString') return place;
  if (/^(family|given|prefix|suffix|city|postalCode|country)$/.test(last)) return `${place}/${last}`;
  return place + written(element, last);
}

/** The attribute that was written: FHIR's system and code of a unit come from `unit`, those of a contact from `value`. */
function written(element: XmlElement, property: string): string {
  const wanted = Object.hasOwn(attributes, property) ? attributes[property]! : '';
  const choice = property === 'system' ? [wanted, 'codeSystemName', 'unit', 'value'] : [wanted, 'unit', 'value'];
  if (property === 'code' || property === 'system') choice.push('nullFlavor');
  const found = wanted && choice.find((name) => attribute(element, name) !== undefined);
  return found ? `/@${found}` : '';
}
