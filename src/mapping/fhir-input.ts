import type { Bundle, BundleEntry, Identifier, Observation, QuestionnaireResponse, Resource } from '@medplum/fhirtypes';
import { type Fault, fault, warning } from '../errors.ts';
import type { IgnoreRule } from './account.ts';
import { elementsOf } from './elements.ts';
import { takeAnswers } from './fhir-answers.ts';
import { BundleIndex, identifierQuery } from './fhir-references.ts';
import { settleSubject } from './fhir-subject.ts';
import { checkMeasure } from './measures.ts';
import type { Entry, Run } from './run.ts';
import { uuidOf } from './uuid.ts';

const BASE = 'http://passerelle.example/fhir/';
const VERSION = '1';
const MAX_ENTRIES = 5_000;
const READ = new Set(['transaction', 'batch', 'document', 'message', 'collection', 'searchset']);
/** Envelopes, answers, and what would change how a server works: that is not for messages. */
const NOT_CONTENT = new Set(
  (
    'Bundle Parameters OperationOutcome Subscription CapabilityStatement TerminologyCapabilities ImplementationGuide ' +
    'StructureDefinition StructureMap ConceptMap CodeSystem ValueSet NamingSystem SearchParameter OperationDefinition ' +
    'CompartmentDefinition GraphDefinition MessageDefinition TestScript TestReport'
  ).split(' '),
);
/** What the server keeps for itself, or what speaks of the sender's own store. */
const SERVER_META = ['versionId', 'lastUpdated'] as const;

/** What of a FHIR message is not content, with the reason; for the account. */
export const fhirIgnores: IgnoreRule[] = [
  { place: '/id', reason: 'A logical id belongs to the server that gave it; references inside the message follow it' },
  { place: '/meta', reason: 'Version and time of another server; profiles, tags and source are taken over' },
  { place: '/resourceType', reason: 'Says what the message is; a Bundle is only the envelope' },
  { place: '/type', reason: 'Kind of envelope; decides how entries are read' },
  { place: '/timestamp', reason: 'Time of the envelope; the message has its time of reception' },
  { place: '/total', reason: 'Count of a search in another server' },
  { place: '/link', reason: 'Addresses of a search in another server' },
  { place: '/identifier', reason: 'Number of the envelope; the message has its own identity' },
  { place: '/entry/fullUrl', reason: 'Address inside the envelope; references are rewritten to follow it' },
  { place: '/entry/request', reason: 'The wish of the sender; it decided about writing and identity' },
  { place: '/entry/response', reason: 'Answer of another server' },
  { place: '/entry/search', reason: 'Why a search in another server found it' },
  { place: '/entry/link', reason: 'Addresses in another server' },
  { place: '/entry/resource/id', reason: 'A logical id belongs to the server that gave it' },
  {
    place: '/entry/resource/meta',
    reason: 'Version and time of another server; profiles, tags and source are taken over',
  },
  { place: '**/contained/meta', reason: 'FHIR forbids it in contained resources (dom-4)' },
];

/**
 * Takes the resources of a FHIR message over as they are, https://hl7.org/fhir/R4/bundle.html: a single resource, or the
 * entries of a transaction, batch, document, message, collection or searchset. References inside the Bundle are rewired to
 * the drafts, the patient is found or made from what a logical reference says, readings are checked.
 */
export function takeFhir(run: Run): void {
  const { session, document } = run;
  const root = document.tree as Resource;
  session.maps.fhir = VERSION;
  const before = session.entries.length;
  const sources = sourcesOf(root, session.faults);
  const index = new BundleIndex(run);
  const taken = sources.map((source) => takeOne(source, run, index));
  for (const [at, { resource }] of sources.entries()) {
    if (resource.resourceType !== 'QuestionnaireResponse') continue;
    takeAnswers(taken[at]!, resource as QuestionnaireResponse, run, index);
  }
  const entries = session.entries.slice(before);
  index.rewire();
  settleSubject(run, entries, index);
  const feed = sources.every(({ resource }) => resource.resourceType !== 'Composition');
  for (const entry of entries) {
    const { resource } = entry;
    if (resource?.resourceType !== 'Observation') continue;
    const reception = { place: placeOf(entry), receivedAt: session.context.receivedAt, feed };
    session.faults.push(...checkMeasure(resource as Observation, reception));
  }
}

/** Place of the resource itself, in a Bundle below its entry; of one extracted from answers that of the answer. */
function placeOf({ document, owner, path, rule }: Entry): string {
  if (owner === undefined) return document.carrierPlace;
  const place = document.placeAt(path, owner);
  return rule.map === 'fhir' ? `${place}/resource` : place;
}

/** One resource of the message and how it stood there. */
interface Source {
  resource: Resource;
  entry?: BundleEntry;
  owner?: object;
  key: string | number;
}

function unacceptable(problem: string, place = '/'): Fault {
  return fault('resource-unacceptable', { place, params: { problem } });
}

function sourcesOf(root: Resource, faults: Fault[]): Source[] {
  if (root.resourceType !== 'Bundle') return acceptable(root, '', faults) ? [{ resource: root, key: '' }] : [];
  const bundle = root as Bundle;
  if (!READ.has(bundle.type)) {
    faults.push(unacceptable(`a Bundle of type ${bundle.type}; send ${[...READ].join(', ')}`, '/type'));
    return [];
  }
  const entries = Array.isArray(bundle.entry) ? bundle.entry : [];
  if (entries.length > MAX_ENTRIES) {
    faults.push(fault('too-many-resources', { place: '/entry', params: { limit: MAX_ENTRIES } }));
    return [];
  }
  return entries.flatMap((entry, key) => {
    const place = `/entry/${key}`;
    if (entry?.search?.mode === 'outcome') return [];
    const method = entry?.request?.method;
    if (method !== undefined && method !== 'POST' && method !== 'PUT') {
      faults.push(unacceptable(`an entry with ${method}; use the FHIR API for it`, `${place}/request`));
      return [];
    }
    const resource = entry?.resource;
    if (!resource || !acceptable(resource, `${place}/resource`, faults)) {
      if (!resource) faults.push(unacceptable('an entry without a resource', place));
      return [];
    }
    return [{ resource, entry, owner: entries, key }];
  });
}

function acceptable(resource: Resource, place: string, faults: Fault[]): boolean {
  const type = resource.resourceType;
  if (elementsOf(String(type)) && !NOT_CONTENT.has(type)) return true;
  faults.push(unacceptable(`a resource of type ${String(type).slice(0, 40)}`, place || '/'));
  return false;
}

function takeOne(source: Source, run: Run, index: BundleIndex): Entry {
  const { session, document } = run;
  const { resource: original, entry: from, owner, key } = source;
  const resource = index.copy(original, from);
  const rule = { map: 'fhir', rule: resource.resourceType };
  const path = owner === undefined ? [] : ['entry', key];
  const entry: Entry = { resource, path, owner, rule, document };
  cleanMeta(resource, placeOf(entry), session.faults);
  applyRequest(entry, resource, from?.request, session.context.sender);
  session.entries.push(entry);
  const trace = (target: object, read: object) => {
    for (const name in target) {
      if (name === 'meta') continue;
      const reads = run.reads && [read, name];
      session.traces.push({ target, property: name, owner: read, key: name, rule, document, reads });
    }
  };
  trace(resource, original);
  if (resource.meta && original.meta) trace(resource.meta, original.meta);
  return entry;
}

/** Ids and versions of the sender's store go; its `meta.source` stays as an extension, because the gateway sets its own. */
function cleanMeta(resource: Resource, place: string, faults: Fault[]): void {
  delete resource.id;
  const { meta } = resource;
  if (meta) {
    for (const element of SERVER_META) delete meta[element];
    if (meta.source) {
      const original = { url: `${BASE}StructureDefinition/original-source`, valueUri: meta.source };
      meta.extension = [...(meta.extension ?? []), original];
      delete meta.source;
    }
  }
  const { contained } = resource as { contained?: Resource[] };
  for (const [index, inner] of (contained ?? []).entries()) {
    for (const element of SERVER_META) {
      if (inner.meta?.[element] === undefined) continue;
      delete inner.meta[element];
      faults.push(warning('contained-meta', { place: `${place}/contained/${index}/meta`, params: { element } }));
    }
  }
}

/** What an entry's request says about identity and writing, https://hl7.org/fhir/R4/bundle-definitions.html#Bundle.entry.request */
function applyRequest(entry: Entry, resource: Resource, request: BundleEntry['request'], sender: string): void {
  if (!request) return;
  if (request.method === 'PUT') entry.write = 'update';
  else if (request.ifNoneExist) entry.write = 'create';
  const query = request.ifNoneExist ?? (request.url?.includes('?') ? request.url.split('?')[1] : undefined);
  const identifier = identifierQuery(query);
  if (identifier) {
    entry.identity = identifier;
    return;
  }
  const own = (resource as { identifier?: Identifier | Identifier[] }).identifier;
  if (request.method !== 'PUT' || own !== undefined) return;
  entry.identity = { system: `${BASE}NamingSystem/sent-id`, value: uuidOf(`${sender}\n${request.url}`) };
}
