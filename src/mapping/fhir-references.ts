import type { BundleEntry, Identifier, Reference, Resource } from '@medplum/fhirtypes';
import { warning } from '../errors.ts';
import { businessIdentifiers } from './identity.ts';
import type { Run } from './run.ts';

type Bag = Record<string, unknown>;

/** A reference found while copying: the copy that holds it, and where it stood. */
interface Found {
  holder: Bag;
  property: 'reference' | 'url';
  text: string;
  /** The object of the tree it was copied from. */
  source: Bag;
}

/** `identifier=system|value` of a query; undefined for anything else. */
export function identifierQuery(query: string | undefined): { system: string; value: string } | undefined {
  const written = new URLSearchParams(query ?? '').get('identifier');
  const bar = written?.indexOf('|') ?? -1;
  if (!written || bar <= 0 || bar === written.length - 1) return undefined;
  return { system: written.slice(0, bar), value: written.slice(bar + 1) };
}

/**
 * The resources of a message by every name that a reference may use for them,
 * https://hl7.org/fhir/R4/bundle.html#references: fullUrl, `Type/id`, a conditional or a logical reference.
 */
export class BundleIndex {
  private readonly run: Run;
  private readonly byName = new Map<string, Resource>();
  private readonly byIdentifier = new Map<string, Resource>();
  private readonly found: Found[] = [];
  private readonly outside = new Set<string>();
  /** References by identifier only. */
  private readonly logical: Reference[] = [];

  constructor(run: Run) {
    this.run = run;
  }

  /** Copies a resource of the tree, remembering its names and the references it holds. */
  copy(original: Resource, entry: BundleEntry | undefined): Resource {
    const made = this.copyObject(original as unknown as Bag) as unknown as Resource;
    const { resourceType } = original;
    if (entry?.fullUrl) this.byName.set(entry.fullUrl, made);
    const id = original.id ?? entry?.fullUrl?.match(/\/([A-Za-z0-9.-]{1,64})$/)?.[1];
    if (id) this.byName.set(`${resourceType}/${id}`, made);
    for (const { system, value } of businessIdentifiers(made)) {
      this.byIdentifier.set(`${resourceType}|${system}|${value}`, made);
    }
    return made;
  }

  /** Gives a resource of the message one more name. */
  name(text: string, resource: Resource): void {
    this.byName.set(text, resource);
  }

  /** The resource a reference names, when it is in the message. */
  resolve(text: string): Resource | undefined {
    const plain = text.replace(/\/_history\/[^/]+$/, '');
    const direct = this.byName.get(plain) ?? this.byName.get(plain.split('/').slice(-2).join('/'));
    if (direct) return direct;
    const question = plain.indexOf('?');
    const identifier = question < 0 ? undefined : identifierQuery(plain.slice(question + 1));
    return identifier && this.byIdentifier.get(`${plain.slice(0, question)}|${identifier.system}|${identifier.value}`);
  }

  /** The resource a logical reference names, when it is in the message. */
  identified(type: string, { system, value }: Identifier): Resource | undefined {
    return this.byIdentifier.get(`${type}|${system}|${value}`);
  }

  /** Points what names a resource of the message to its draft; says which references lead out of the message. */
  rewire(): void {
    for (const { holder, property, text, source } of this.found) {
      const target = this.resolve(text);
      if (target) this.link(holder as Reference, target, property);
      else if (property === 'reference' && leadsOut(text)) this.reportOutside(source, text);
    }
    for (const holder of this.logical) {
      const target = holder.type && holder.identifier && this.identified(holder.type, holder.identifier);
      if (target) this.link(holder, target);
    }
  }

  /** Makes a reference that the draft's fullUrl will fill. */
  link(holder: Reference, resource: Resource, property: 'reference' | 'url' = 'reference'): void {
    const { session, document, rule } = this.run;
    session.links.push({ holder: holder as Bag, property, resource, document, rule, owner: undefined, ownerKey: '' });
  }

  private reportOutside(source: Bag, text: string): void {
    const { session, document } = this.run;
    if (this.outside.has(text)) return;
    this.outside.add(text);
    session.faults.push(warning('reference-outside', { place: document.place(source, 'reference'), detail: text }));
  }

  private copyObject(source: Bag): Bag {
    const made: Bag = {};
    for (const name in source) {
      if (name === '__proto__') continue;
      const item = source[name];
      made[name] = item !== null && typeof item === 'object' ? this.copyValue(item) : item;
    }
    if (typeof made.reference === 'string') {
      this.found.push({ holder: made, property: 'reference', text: made.reference, source });
    } else if (typeof made.url === 'string' && 'contentType' in made) {
      this.found.push({ holder: made, property: 'url', text: made.url, source });
    } else if (isIdentifier(made.identifier) && isReference(made)) {
      this.logical.push(made as Reference);
    }
    return made;
  }

  private copyValue(value: object): unknown {
    if (value instanceof Uint8Array) return value;
    if (!Array.isArray(value)) return this.copyObject(value as Bag);
    return value.map((item) => (item !== null && typeof item === 'object' ? this.copyValue(item) : item));
  }
}

const REFERENCE_ELEMENTS = new Set(['id', 'extension', 'reference', 'type', 'identifier', 'display']);

/** Backbone elements may have an identifier too (`Claim.insurance`); a Reference has nothing else besides. */
function isReference(value: Bag): boolean {
  for (const name in value) if (!REFERENCE_ELEMENTS.has(name)) return false;
  return value.type === undefined || typeof value.type === 'string';
}

function isIdentifier(value: unknown): value is Identifier {
  return value !== null && typeof value === 'object' && !Array.isArray(value) && 'value' in value;
}

/** Not to something contained, not absolute: it must exist on the server the message is written to. */
function leadsOut(text: string): boolean {
  return !text.startsWith('#') && !text.includes('?') && !/^[a-z][a-z0-9+.-]*:/i.test(text);
}
