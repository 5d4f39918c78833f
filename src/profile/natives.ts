import { createHash } from 'node:crypto';
import { safeName } from './finding.ts';
import { narrativeProblem } from './narrative.ts';
import { isAbsolute, isBase64, isId } from './primitives.ts';
import { isResourceType } from './r4/table.ts';
import type { Invariant } from './rules.ts';
import type { Terminology } from './terminology.ts';
import { isObject, type Json, type Trial } from './trial.ts';

/** An invariant written out in code because its FHIRPath costs more; says what it finds to the trial. */
export type Native = (value: Json, trial: Trial) => void;

/** What is known of an extension: where it may be used and how its content is judged. */
export interface ExtensionDefinition {
  url: string;
  modifier: boolean;
  /** Elements it belongs on (`Patient`, `HumanName.given`), without `[x]`; undefined: cannot be told. */
  contexts: string[] | undefined;
  /** Names of its parts, when it is a complex one. */
  parts: Set<string>;
  /** Rules on the element that carries the extension. */
  invariants: Invariant[];
  check: Native;
}

/** Finds extension definitions and the names an element has for contexts. */
export interface Extensions {
  definition(url: string): ExtensionDefinition | undefined;
  /** Every name the element at the present place answers to: `Patient.name`, `HumanName`, `Element`. */
  contextNames(trial: Trial): Set<string>;
}

/** Rules that R4 states in prose, or that are faster said in code than in FHIRPath, by type. */
export class Natives {
  private readonly terminology: Terminology;
  private readonly extensions: Extensions;

  constructor(terminology: Terminology, extensions: Extensions) {
    this.terminology = terminology;
    this.extensions = extensions;
  }

  /** The native rules of a complex type, in an element of some name. */
  of(type: string, name: string): Native | undefined {
    switch (type) {
      case 'Coding': {
        const alone = name !== 'coding';
        return (value, trial) => this.coding(value, trial, alone);
      }
      case 'Quantity':
      case 'Age':
      case 'Count':
      case 'Distance':
      case 'Duration':
        return (value, trial) => this.quantity(value, trial);
      case 'Extension':
        return (value, trial) => this.extension(value, trial);
      case 'Identifier':
        return identifier;
      case 'Attachment':
        return attachment;
      default:
        return undefined;
    }
  }

  /** The native rules of a primitive element. */
  ofPrimitive(path: string, type: string): ((value: unknown, trial: Trial) => void) | undefined {
    if (type === 'xhtml') {
      return (value, trial) => {
        const found = narrativeProblem(value as string);
        if (found) {
          trial.add('error', found.rule, {
            en: `The narrative is not the XHTML that FHIR allows: ${found.en}.`,
            fr: `Le texte narratif n’est pas le XHTML que FHIR permet : ${found.fr}.`,
          });
        }
      };
    }
    if (isElementId(path, type)) {
      return path === 'ElementDefinition.id' ? undefined : elementId;
    }
    if (path.endsWith('.id') && type === 'string') {
      return resourceId;
    }
    const owner = path.slice(0, -'.language'.length);
    if (path.endsWith('.language') && (isResourceType(owner) || owner === 'Attachment')) {
      return (value, trial) => {
        if (this.terminology.exists('urn:ietf:bcp:47', value as string) === 'out') {
          trial.report('error', 'code', { system: 'urn:ietf:bcp:47' });
        }
      };
    }
    return undefined;
  }

  /** `alone`: the coding is no part of a CodeableConcept. */
  private coding(value: Json, trial: Trial, alone: boolean): void {
    const { system, code } = value;
    if (typeof system !== 'string') {
      if (code !== undefined) {
        trial.report('warning', 'coding-system');
      }
      return;
    }
    if (alone && !isAbsolute(system)) {
      trial.report('error', 'url', {}, 'url', 'system');
    }
    if (typeof code === 'string' || !alone) {
      if (this.terminology.exists(system, typeof code === 'string' ? code : '') === 'out') {
        trial.report('error', 'code', { system: system.slice(0, 200) });
      }
    }
  }

  private quantity(value: Json, trial: Trial): void {
    const { system, code } = value;
    if (typeof system !== 'string' || typeof code !== 'string') {
      return;
    }
    if (!isAbsolute(system)) {
      trial.report('error', 'url', {}, 'url', 'system');
    }
    if (this.terminology.exists(system, code) === 'out') {
      const unit = system === 'http://unitsofmeasure.org';
      trial.report('error', unit ? 'unit' : 'code', { system: system.slice(0, 200) });
    }
  }

  private extension(value: Json, trial: Trial): void {
    const { url } = value;
    const filled = value.extension !== undefined;
    let values = 0;
    for (const key in value) {
      if (key.startsWith('value') || key.startsWith('_value')) {
        values = 1;
        break;
      }
    }
    if (filled === values > 0) {
      trial.add('error', 'ext-1', {
        en: 'An extension has either a value or further extensions, not both and not neither.',
        fr: 'Une extension a soit une valeur, soit d’autres extensions : ni les deux, ni aucune.',
      });
    }
    if (typeof url !== 'string') {
      return;
    }
    if (!isAbsolute(url)) {
      if (!trial.withinExtension()) {
        trial.report('error', 'url');
      }
      return;
    }
    if (url.includes('|')) {
      trial.report('error', 'url');
    }
    const definition = this.extensions.definition(url);
    if (definition) {
      this.known(definition, value, trial);
    } else {
      trial.report('information', 'extension-unknown', { name: url.slice(0, 200) });
    }
  }

  private known(definition: ExtensionDefinition, value: Json, trial: Trial): void {
    const before = trial.profile;
    trial.profile = definition.url;
    const asModifier = trial.name() === 'modifierExtension';
    if (asModifier !== definition.modifier && !trial.withinExtension()) {
      const expected = definition.modifier ? 'modifierExtension' : 'extension';
      trial.report('error', 'extension-modifier', { name: definition.url, expected });
    }
    const { contexts } = definition;
    if (contexts && !contexts.includes('Element')) {
      const names = this.extensions.contextNames(trial);
      if (!contexts.some((one) => names.has(one))) {
        trial.report('error', 'extension-context', { name: definition.url, allowed: contexts.join(', ') });
      }
    }
    for (const invariant of definition.invariants) {
      invariant(trial.owner, trial, 'Element');
    }
    if (Array.isArray(value.extension)) {
      for (const part of value.extension) {
        const name = isObject(part) ? part.url : undefined;
        if (typeof name === 'string' && !isAbsolute(name) && !definition.parts.has(name)) {
          trial.report('error', 'extension-part', { name: definition.url, part: safeName(name) });
        }
      }
    }
    definition.check(value, trial);
    trial.profile = before;
  }
}

/** Whether a primitive is the id of an element, which must be the only one in its resource. */
export function isElementId(path: string, type: string): boolean {
  return path.endsWith('.id') && type === 'string' && !isResourceType(path.slice(0, -3));
}

function resourceId(value: unknown, trial: Trial): void {
  if (!isId(value as string)) {
    trial.report('error', 'id');
  }
}

function elementId(value: unknown, trial: Trial): void {
  if (!trial.isNewId(value as string)) {
    trial.report('error', 'id-duplicate');
  }
}

function identifier(value: Json, trial: Trial): void {
  const { system, value: number } = value;
  if (typeof system !== 'string' || system === '') {
    return;
  }
  if (!isAbsolute(system)) {
    trial.report('error', 'url', {}, 'url', 'system');
  } else if (system === 'urn:ietf:rfc:3986' && typeof number === 'string' && !isAbsolute(number)) {
    trial.report('error', 'identifier-value', {}, 'identifier-value', 'value');
  }
}

/** Size and SHA-1 (base64) of inline data must be those stated. */
function attachment(value: Json, trial: Trial): void {
  const { data, size, hash } = value;
  if (typeof data !== 'string' || !isBase64(data)) {
    return;
  }
  if (/\s/.test(data)) {
    trial.report('error', 'format', { type: 'base64Binary' }, 'format', 'data');
  }
  if (size === undefined && hash === undefined) {
    return;
  }
  const bytes = Buffer.from(data, 'base64');
  if (typeof size === 'number' && size !== bytes.length) {
    trial.report('error', 'attachment-size', {}, 'attachment-size', 'size');
  }
  if (typeof hash === 'string' && createHash('sha1').update(bytes).digest('base64') !== hash) {
    trial.report('error', 'attachment-hash', {}, 'attachment-hash', 'hash');
  }
}
