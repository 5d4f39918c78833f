import type { Resource } from '@medplum/fhirtypes';
import type { Draft } from '../conversion.ts';
import { fault, warning } from '../errors.ts';
import { PLACE_SYSTEM } from '../seed.ts';
import type { MappedDocument } from './document.ts';
import { businessIdentifiers, contradict, ensureIdentifier, type Key, UPDATED_TYPES } from './identity.ts';
import { fillFrom, hasContent, prune } from './merge.ts';
import type { Entry, Link, Session } from './run.ts';
import { uuidOf } from './uuid.ts';

/** What the entries of a session become. */
export interface Finished {
  drafts: Draft[];
  subject?: string;
  /** Each resource a map made, also those that went into another, → the draft it ended in. */
  draftOf: DraftOf;
}

/** Finds the draft in which a resource that a map made ended. */
export type DraftOf = (resource: object) => Draft | undefined;

interface Building {
  entry: Entry;
  resource: Resource;
  identity?: Key;
  draft?: Draft;
}

/**
 * Makes drafts of what the maps gathered: one per thing (same type, same business identity), each with key, fullUrl and
 * identity; fills in the references between them; takes out what is empty.
 *
 * @param profiles route's claims: type → canonicals for `meta.profile`
 */
export function finishDrafts(session: Session, profiles: Record<string, string[]> = {}): Finished {
  const buildings: Building[] = [];
  const byResource = new Map<object, Building>();
  const byIdentity: Identities = new Map();
  for (const entry of session.entries) {
    if (!entry.resource) continue;
    if (!hasContent(entry.resource)) {
      reportEmpty(session, entry);
      continue;
    }
    const building = join(entry, entry.resource, byIdentity);
    if (building.entry === entry) buildings.push(building);
    byResource.set(entry.resource, building);
  }
  const subjects = joinSubjects(session, buildings, byResource);
  const drafts = nameDrafts(session, buildings);
  fillLinks(session, buildings, byResource, subjects);
  for (const { resource } of drafts) {
    prune(resource);
    claim(resource, profiles[resource.resourceType]);
  }
  const draftOf: DraftOf = (resource) => byResource.get(resource)?.draft;
  return { drafts, subject: subjects[0]?.draft?.fullUrl, draftOf };
}

function reportEmpty(session: Session, entry: Entry): void {
  session.faults.push(
    warning('resource-empty', {
      params: { type: entry.resource!.resourceType },
      place: placeOf(entry),
      rule: `${entry.rule.map}.map#${entry.rule.rule}`,
    }),
  );
}

/**
 * Finds the draft of the same thing and adds to it, or begins a new one. People, places and stays are the same when they
 * share any identifier; other things only when their first is the same, because orders and panels share numbers.
 */
function join(entry: Entry, resource: Resource, byIdentity: Identities): Building {
  const type = resource.resourceType;
  const known = entry.identity?.value ? [entry.identity as Key] : businessIdentifiers(resource);
  const building: Building = { entry, resource, identity: known[0] };
  if (known.length === 0) return building;
  const count = UPDATED_TYPES.has(type) ? known.length : 1;
  let match: Building | undefined;
  for (let index = 0; index < count; index++) match ??= identified(byIdentity, type, known[index]!);
  const kept = match ?? building;
  for (let index = 0; index < count; index++) {
    const { system, value } = known[index]!;
    if (match && identified(byIdentity, type, known[index]!)) continue;
    const others = byIdentity.get(value);
    const one = { type, system, building: kept };
    if (others) others.push(one);
    else byIdentity.set(value, [one]);
  }
  if (match) absorb(match, entry, resource);
  return kept;
}

/** Drafts by the values of their identifiers; a key of type, system and value together would be a new text each time. */
type Identities = Map<string, { type: string; system: string; building: Building }[]>;

function identified(identities: Identities, type: string, { system, value }: Key): Building | undefined {
  return identities.get(value)?.find((one) => one.type === type && one.system === system)?.building;
}

function absorb(building: Building, entry: Entry, resource: Resource): void {
  fillFrom(building.resource, resource);
  if (entry.subject) building.entry.subject = true;
  if (entry.write) building.entry.write ??= entry.write;
  const first = businessIdentifiers(building.resource)[0];
  if (!building.entry.identity && first) building.identity = first;
}

/** Carrier and parts speak of one patient: their drafts become one, unless their numbers contradict each other. */
function joinSubjects(session: Session, buildings: Building[], byResource: Map<object, Building>): Building[] {
  const subjects = buildings.filter((building) => building.entry.subject);
  const [first, ...others] = subjects;
  if (!first) return [];
  const kept = [first];
  for (const other of others) {
    if (other.resource.resourceType !== first.resource.resourceType || contradict(first.resource, other.resource)) {
      session.faults.push(fault('identity-mismatch', { place: placeOf(other.entry) }));
      kept.push(other);
      continue;
    }
    absorb(first, other.entry, other.resource);
    buildings.splice(buildings.indexOf(other), 1);
    for (const [resource, building] of byResource) if (building === other) byResource.set(resource, first);
  }
  return kept;
}

function nameDrafts(session: Session, buildings: Building[]): Draft[] {
  const { sender, messageIdentity } = session.context;
  const taken = new Set<string>();
  return buildings.map((building) => {
    const { entry, resource } = building;
    const key = freeKey(entry, resource, taken);
    const uuid = uuidOf(`${sender}\n${messageIdentity}\n${key}`);
    const write = entry.write ?? (UPDATED_TYPES.has(resource.resourceType) ? 'update' : 'create');
    const { system, value } = building.identity ?? { system: PLACE_SYSTEM, value: uuid };
    if (!building.identity || entry.identity) ensureIdentifier(resource, { system, value });
    building.draft = {
      key,
      fullUrl: `urn:uuid:${uuid}`,
      resource,
      write,
      identity: { system, value },
    };
    return building.draft;
  });
}

/** The map's key or the place in the source, with the type; of two alike the second adds its rule, then a number. */
function freeKey(entry: Entry, resource: Resource, taken: Set<string>): string {
  const place = placeKey(entry);
  const base = place === '' ? resource.resourceType : `${place}/${resource.resourceType}`;
  let key = base;
  for (let count = 1; taken.has(key); count++) {
    key = count === 1 ? `${base}/${entry.rule.rule}` : `${base}/${entry.rule.rule}/${count}`;
  }
  taken.add(key);
  return key;
}

function placeOf({ document, path, owner }: Entry): string {
  return document.placeAt(path, owner);
}

function placeKey(entry: Entry): string {
  const { key, document } = entry;
  if (key === undefined) return placeOf(entry);
  return document.carrierPlace === '' ? key : `${document.carrierPlace}/${key}`;
}

function fillLinks(
  session: Session,
  buildings: Building[],
  byResource: Map<object, Building>,
  subjects: Building[],
): void {
  let subjectMissing = false;
  const byKey = Map.groupBy(buildings, ({ entry }) => entry.key ?? '');
  for (const link of session.links) {
    const found = linked(link, byKey, byResource, subjects);
    if (found?.draft) {
      link.holder[link.property] = found.draft.fullUrl;
      continue;
    }
    delete link.holder[link.property];
    delete link.holder.display;
    if (isSubject(link) && subjectMissing) continue;
    subjectMissing ||= isSubject(link);
    session.faults.push(unresolved(link));
  }
  for (const intent of session.intents as { by?: unknown }[]) {
    if (typeof intent.by === 'object') intent.by = (intent.by as { reference?: string }).reference;
  }
}

function isSubject({ resource, key }: Link): boolean {
  return resource === undefined && key === undefined;
}

function unresolved(link: Link) {
  const { document, owner, ownerKey, rule } = link;
  const where = { place: document.place(owner, ownerKey), rule: `${rule.map}.map#${rule.rule}` };
  return isSubject(link) ? fault('subject-missing', where) : warning('reference-unresolved', where);
}

function linked(
  { resource, key, type, document }: Link,
  byKey: Map<string, Building[]>,
  byResource: Map<object, Building>,
  subjects: Building[],
): Building | undefined {
  if (resource)
    return byResource.get(resource) ?? byResource.get((resource as { resource?: object }).resource ?? resource);
  if (key === undefined) return inDocument(subjects, document);
  const named = byKey.get(key) ?? [];
  return inDocument(type ? named.filter((one) => one.resource.resourceType === type) : named, document);
}

function inDocument(buildings: Building[], document: MappedDocument): Building | undefined {
  return buildings.find(({ entry }) => entry.document === document) ?? buildings[0];
}

function claim(resource: Resource, profiles: string[] | undefined): void {
  if (!profiles) return;
  const meta = { ...resource.meta };
  meta.profile = [...new Set([...(meta.profile ?? []), ...profiles])];
  resource.meta = meta;
}
