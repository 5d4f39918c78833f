import { createHash } from 'node:crypto';
import type { Identifier } from '@medplum/fhirtypes';
import yauzl, { type Entry, type ZipFile } from 'yauzl';
import { type Fault, fault, isError, warning } from '../../errors.ts';
import { attribute, child, elements, readXml, type XmlElement } from '../xml/index.ts';
import { associations, ENTRY_UUID, externalOf, lackingOf, lackingOfSet, setPatients, slot } from './required.ts';
import { ENTRY, ON_DEMAND, STABLE } from './schemes.ts';

/** A document of an archive, with what METADATA.XML says of it. */
export interface ArchivedDocument {
  /** Path in the archive. */
  path: string;
  uniqueId?: string;
  /** CX of the patient as written. */
  patientId?: string;
  mimeType: string;
  title?: string;
  /** `D`: the document is taken back; whatever the sender calls the slot. */
  action?: 'D';
  /** entryUUID, `urn:uuid:…`: by what later submissions name the document. */
  entry?: string;
  /** The document that this one takes the place of: by its uniqueId where that is told, else by its entryUUID. */
  replaces?: Identifier;
}

/** Documents of an archive with the metadata found for each, and all that is wrong with it. */
export interface ReadArchive {
  documents: (ArchivedDocument & { bytes: Uint8Array })[];
  faults: Fault[];
}

/** Bounds of an archive: what is beyond one of them is refused unread. */
export const archiveLimits = {
  entries: 200,
  /** Of one file, and of all together, unpacked. */
  bytes: 64 * 1024 * 1024,
  /** Of METADATA.XML. */
  metadata: 4 * 1024 * 1024,
};

/**
 * Opens an XDM archive, IHE ITI TF-2, 3.32: each document its metadata announce, with hash and size checked. Names are
 * found in any case. Never throws; paths out of the archive, links, encrypted or overlong files are faults.
 */
export async function readArchive(bytes: Uint8Array): Promise<ReadArchive> {
  try {
    const files = await unpack(bytes);
    const metadata = [...files.keys()].filter((name) => /^IHE_XDM\/[^/]+\/METADATA\.XML$/.test(name));
    if (metadata.length === 0) return { documents: [], faults: [fault('xdm-metadata-missing')] };
    const read = metadata.map((name) => documentsOf(name, files));
    return mended({ documents: read.flatMap((one) => one.documents), faults: read.flatMap((one) => one.faults) });
  } catch (error) {
    if (error instanceof Refused) return { documents: [], faults: [error.found] };
    return { documents: [], faults: [fault('xdm-unreadable', { detail: String(error) })] };
  }
}

/** ECO.2.1.1: one patient in a mail. */
function mended({ documents, faults }: ReadArchive): ReadArchive {
  const patients = new Set(documents.flatMap(({ patientId }) => patientId?.split('^')[0] || []));
  const isSaid = faults.some(({ code }) => code === 'mail-several-patients');
  if (patients.size > 1 && !isSaid) faults.push(fault('mail-several-patients'));
  if (documents.length === 0 && !faults.some(isError)) faults.push(fault('xdm-metadata-missing'));
  return { documents, faults };
}

class Refused extends Error {
  readonly found: Fault;
  constructor(found: Fault) {
    super(found.code);
    this.found = found;
  }
}

function limit(what: string, most: number): Refused {
  return new Refused(fault('xdm-limit', { params: { what, limit: most } }));
}

/** Files by their path in capitals. */
async function unpack(bytes: Uint8Array): Promise<Map<string, Buffer>> {
  const files = new Map<string, Buffer>();
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  // yauzl itself refuses absolute paths, drive letters, `..`, and sizes that are not as announced.
  const zip: ZipFile = await yauzl.fromBufferPromise(buffer, { decodeStrings: true, validateEntrySizes: true });
  if (zip.entryCount > archiveLimits.entries) throw limit('entries', archiveLimits.entries);
  let left = archiveLimits.bytes;
  for await (const entry of zip.eachEntry()) {
    if (entry.fileName.endsWith('/')) continue;
    const isLink = ((entry.externalFileAttributes >>> 16) & 0o170000) === 0o120000;
    if (isLink || entry.isEncrypted()) throw new Refused(fault('xdm-unreadable', { detail: 'link or encrypted' }));
    if (entry.uncompressedSize > left) throw limit('bytes', archiveLimits.bytes);
    const content = await contentOf(zip, entry, left);
    left -= content.length;
    const name = entry.fileName.toUpperCase();
    if (files.has(name)) throw new Refused(fault('xdm-unreadable', { detail: 'two files of one name' }));
    files.set(name, content);
  }
  return files;
}

async function contentOf(zip: ZipFile, entry: Entry, left: number): Promise<Buffer> {
  // As large as the archive says, which yauzl holds it to.
  const content = Buffer.alloc(entry.uncompressedSize);
  let size = 0;
  for await (const chunk of await zip.openReadStreamPromise(entry)) {
    const part = chunk as Buffer;
    if (size + part.length > Math.min(left, content.length)) throw limit('bytes', archiveLimits.bytes);
    part.copy(content, size);
    size += part.length;
  }
  return content.subarray(0, size);
}

const RIM = 'urn:oasis:names:tc:ebxml-regrep:xsd:rim:3.0';

function documentsOf(name: string, files: Map<string, Buffer>): ReadArchive {
  const bytes = files.get(name)!;
  if (bytes.length > archiveLimits.metadata) throw limit('METADATA.XML', archiveLimits.metadata);
  const result = readXml(bytes, { namespaces: { [RIM]: '' }, limits: { depth: 40, elements: 100_000 } });
  if (!result.root) return { documents: [], faults: [{ ...result.fault, place: name }] };
  const found: ReadArchive = { documents: [], faults: [] };
  const folder = name.slice(0, name.lastIndexOf('/') + 1);
  const list = listOf(result.root);
  const objects = list ? objectsOf(list) : [];
  for (const object of objects) {
    const uri = slot(object, 'URI') ?? '';
    const path = `${folder}${uri}`.toUpperCase();
    const content = files.get(path);
    if (!content) {
      found.faults.push(fault('xdm-document-missing', { place: path.slice(0, 200) }));
      continue;
    }
    if (isAltered(content, object)) found.faults.push(fault('xdm-document-altered', { place: path }));
    found.documents.push({ path, bytes: content, ...toldOf(object), ...replacedBy(object, list!) });
  }
  if (list && objects.length > 0) found.faults.push(...saidWrongly(list, objects, found.documents, name));
  return found;
}

/** What is lacking is said and does no harm, for the document says it itself; a set about somebody else is refused. */
function saidWrongly(list: XmlElement, objects: XmlElement[], documents: ArchivedDocument[], place: string): Fault[] {
  const elements = [...new Set([...objects.flatMap(lackingOf), ...lackingOfSet(list, objects)])].join(', ');
  const patients = new Set(
    [...setPatients(list), ...documents.flatMap(({ patientId }) => patientId ?? [])].map((one) => one.split('^')[0]),
  );
  return [
    ...(elements ? [warning('xdm-metadata-incomplete', { place, params: { elements } })] : []),
    ...(patients.size > 1 ? [fault('mail-several-patients', { place })] : []),
  ];
}

function listOf(root: XmlElement): XmlElement | undefined {
  return root.name === 'RegistryObjectList' ? root : child(root, 'RegistryObjectList');
}

function objectsOf(list: XmlElement): XmlElement[] {
  return elements(list, 'ExtrinsicObject').filter((one) =>
    [STABLE, ON_DEMAND].includes(attribute(one, 'objectType') ?? ''),
  );
}

/** Hash and size are optional in XDM; what is announced must be so. */
function isAltered(content: Buffer, object: XmlElement): boolean {
  const hash = slot(object, 'hash')?.toLowerCase();
  const size = slot(object, 'size');
  if (size !== undefined && Number(size) !== content.length) return true;
  return hash !== undefined && createHash('sha1').update(content).digest('hex') !== hash;
}

/** IHE ITI TF-3, 4.2.2.2: a replacement is an association from its entry to that of the document replaced. */
function replacedBy(object: XmlElement, list: XmlElement): Pick<ArchivedDocument, 'entry' | 'replaces'> {
  const id = attribute(object, 'id') ?? '';
  const entry = ENTRY_UUID.test(id) ? { entry: id } : {};
  const uniqueId = ownSlot(object, 'replaces');
  if (uniqueId && uniqueId.length <= 200) return { ...entry, replaces: documentIdentifier(uniqueId) };
  const target = associations(list, 'RPLC')
    .filter((one) => attribute(one, 'sourceObject') === id)
    .map((one) => attribute(one, 'targetObject') ?? '')
    .find((one) => ENTRY_UUID.test(one));
  return { ...entry, ...(target ? { replaces: { system: 'urn:ietf:rfc:3986', value: target } } : {}) };
}

/** `root^extension`, or an OID or UUID alone, as FHIR writes an identifier. */
function documentIdentifier(uniqueId: string): Identifier {
  const [root = '', extension] = uniqueId.split('^');
  const urn = `urn:${/^[0-9a-f]{8}-/i.test(root) ? 'uuid' : 'oid'}:${root}`;
  return extension ? { system: urn, value: extension } : { system: 'urn:ietf:rfc:3986', value: urn };
}

/** A metadata element of somebody's own, whatever the sender calls its namespace. */
function ownSlot(object: XmlElement, name: string): string | undefined {
  const names = elements(object, 'Slot').map((one) => attribute(one, 'name') ?? '');
  const found = names.find((one) => one.toLowerCase().split(':').at(-1) === name);
  return found === undefined ? undefined : slot(object, found);
}

function toldOf(object: XmlElement): Omit<ArchivedDocument, 'path'> {
  const name = child(object, 'Name');
  const localised = name && child(name, 'LocalizedString');
  const told = {
    uniqueId: externalOf(object, ENTRY.uniqueId),
    patientId: externalOf(object, ENTRY.patientId),
    title: localised && attribute(localised, 'value'),
  };
  const there = Object.fromEntries(Object.entries(told).filter(([, one]) => one !== undefined));
  if (ownSlot(object, 'action') === 'D') there.action = 'D';
  return { ...there, mimeType: attribute(object, 'mimeType') ?? 'application/octet-stream' };
}
