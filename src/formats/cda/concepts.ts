import type { CodeableConcept, Coding, Extension, Identifier } from '@medplum/fhirtypes';
import { IDNPS, IDNST, professionalIdentifiers, structureIdentifiers } from '../national.ts';
import { identifierOf, localSystem, PROJECT_BASE, systemOfName, systemUri } from '../systems.ts';
import { attribute, child, ownText, type XmlElement } from '../xml/index.ts';
import type { Reading } from './context.ts';

const NULL_FLAVOR = 'http://terminology.hl7.org/CodeSystem/v3-NullFlavor';

/** II → Identifier; undefined when it only says why there is none. */
export function readIdentifier(element: XmlElement): Identifier | undefined {
  const identifier: Identifier | undefined = identifierOf(attribute(element, 'root'), attribute(element, 'extension'));
  const assigner = attribute(element, 'assigningAuthorityName');
  if (identifier && assigner) identifier.assigner = { display: assigner };
  return identifier;
}

/** II → Identifiers; a national number of a professional or a structure also gives the number it contains. */
export function readIdentifiers(element: XmlElement): Identifier[] | undefined {
  const identifier = readIdentifier(element);
  if (identifier?.value === undefined) return undefined;
  if (identifier.system === IDNPS) return professionalIdentifiers(IDNPS, identifier.value);
  if (identifier.system === IDNST) return structureIdentifiers(IDNST, identifier.value);
  return [identifier];
}

/** templateId → `root` and, when it has an extension, `root:extension` as well. */
export function readTemplate(element: XmlElement): string | string[] | undefined {
  const root = attribute(element, 'root')?.trim();
  if (!root) return undefined;
  const extension = attribute(element, 'extension')?.trim();
  return extension ? [root, `${root}:${extension}`] : root;
}

/**
 * CD, CE, CV → CodeableConcept: the code first, then its translations; the original text, by reference or in place, as
 * text. A null flavour is a code like any other when nothing else is said.
 */
export function readConcept(element: XmlElement, reading: Reading): CodeableConcept | undefined {
  const concept: CodeableConcept = {};
  const coding = readCoding(element);
  const codings = coding ? [coding] : [];
  let text = '';
  for (const part of element.children) {
    if (typeof part === 'string') continue;
    if (part.name === 'translation') {
      const translation = readCoding(part);
      if (translation) codings.push(translation);
      text ||= originalText(part, reading) ?? '';
    } else if (part.name === 'originalText') text = named(readText(part, reading), coding) ?? text;
    else if (part.name === 'qualifier') text = qualified(text, part, concept, codings);
    else if (part.name === 'pharm:originalText') text ||= readText(part, reading) ?? '';
  }
  const own = text || ownText(element).trim();
  const nullFlavor = attribute(element, 'nullFlavor');
  if (!codings.length && !own && nullFlavor) codings.push({ system: NULL_FLAVOR, code: nullFlavor });
  if (codings.length) concept.coding = codings;
  if (own) concept.text = own;
  return codings.length || own ? concept : undefined;
}

/** A box ticked « oui » beside a heading is what many texts point to: it is no name of what was coded; « non » stays, for who reads it. */
function named(text: string | undefined, coding: Coding | undefined): string | undefined {
  return text && coding?.display && TICK.test(text) ? undefined : text;
}

const TICK = /^(oui|yes|x|-)$/i;

function originalText(element: XmlElement, reading: Reading): string | undefined {
  const original = child(element, 'originalText');
  return original && readText(original, reading);
}

/**
 * A named qualifier (laterality, version) goes to the text, and stays as it was coded; one without a name says the same
 * thing more precisely, as does a name alone (« other item: travel »). Where the concept has no code of its own, its first
 * qualifier is what was coded (the stage of a tumour).
 */
function qualified(text: string, qualifier: XmlElement, concept: CodeableConcept, codings: Coding[]): string {
  const name = child(qualifier, 'name');
  const value = child(qualifier, 'value');
  const refined = value && readCoding(value);
  if (!name) {
    if (refined) codings.push(refined);
    return text;
  }
  const label = readCoding(name);
  const base = text || codings[0]?.display || codings[0]?.code || '';
  const words = refined ? labelOf(refined) : value && bareValue(value);
  if (words === undefined) {
    if (label) codings.push(label);
    return `${base} (${label?.display ?? label?.code ?? ''})`.trim();
  }
  if (refined && label) concept.extension = [...(concept.extension ?? []), qualifierOf(label, refined)];
  if (refined && !codings.length) codings.push(refined);
  return `${base} (${label?.display ?? label?.code ?? ''} : ${words})`.trim();
}

function qualifierOf(name: Coding, value: Coding): Extension {
  const url = `${PROJECT_BASE}StructureDefinition/qualifier`;
  return {
    url,
    extension: [
      { url: 'name', valueCoding: name },
      { url: 'value', valueCoding: value },
    ],
  };
}

/** A qualifier that is a number (an age), where CDA wants a code. */
function bareValue(value: XmlElement): string | undefined {
  const number = attribute(value, 'value');
  const unit = attribute(value, 'unit');
  return (number && (unit ? `${number} ${unit}` : number)) || ownText(value).trim() || undefined;
}

/** « None » is what generators write where a code has no label. */
function labelOf({ display, code }: Coding): string | undefined {
  return display && display !== 'None' ? display : code;
}

/** The code of one CD as Coding; undefined when it has none. */
export function readCoding(element: XmlElement): Coding | undefined {
  let code: string | undefined;
  let oid: string | undefined;
  let system: string | undefined;
  let display: string | undefined;
  let version: string | undefined;
  const list = element.attributes;
  for (let i = 0; i < list.length; i += 2) {
    const value = list[i + 1]!.trim();
    if (value === '') continue;
    if (list[i] === 'code') code = value;
    else if (list[i] === 'codeSystem') oid = value;
    else if (list[i] === 'codeSystemName') system = value;
    else if (list[i] === 'displayName') display = value;
    else if (list[i] === 'codeSystemVersion') version = value;
  }
  if (code === undefined) return undefined;
  const coding: Coding = {};
  const uri = oid ? systemUri(oid) : system && (systemOfName(system) ?? localSystem(system));
  if (uri) coding.system = uri;
  if (version) coding.version = version;
  coding.code = code;
  if (display) coding.display = display;
  return coding;
}

/** CS, or the bare code of anything coded. */
export function readCode(element: XmlElement): string | undefined {
  return attribute(element, 'code')?.trim() || undefined;
}

/** ED or ST as text: what it refers to, else what it says, else where it points. */
export function readText(element: XmlElement, reading: Reading): string | undefined {
  const reference = child(element, 'reference') ?? child(element, 'pharm:reference');
  const value = reference && attribute(reference, 'value')?.trim();
  if (value && value !== '#') {
    const resolved = reading.referenced(value);
    if (resolved) return resolved;
  }
  const own = ownText(element).replace(/\s+/g, ' ').trim();
  if (own) return own;
  // Some write `url:` before an address.
  return value && /^(url:)?(https?|urn|ftp):/i.test(value) ? value.replace(/^url:/i, '') : undefined;
}
