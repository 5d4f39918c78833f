import { createHash } from 'node:crypto';
import type {
  Attachment,
  Binary,
  Bundle,
  Composition,
  Device,
  DocumentReference,
  Identifier,
  Organization,
  Patient,
  Practitioner,
  PractitionerRole,
  Resource,
} from '@medplum/fhirtypes';
import type { FhirEndpoint } from '../../adapter.ts';
import { fault, PasserelleError } from '../../errors.ts';

/** One content of a document: what the server says of it, and its exact bytes. */
export interface Content {
  attachment: Attachment;
  format?: { code?: string; system?: string; display?: string };
  bytes: Uint8Array;
}

/** Who made a document. */
export interface Author {
  practitioner?: Practitioner;
  organization?: Organization;
  /** A program that wrote it by itself; the organization is whose it is. */
  device?: Device;
}

/** Everything a mail about one document needs, as it stands on the FHIR server now. */
export interface Dossier {
  reference: DocumentReference;
  contents: Content[];
  author: Author;
  authenticator: Author;
  /** There when the document is structured: a PDF is made from its sections. */
  composition?: Composition;
  /** uniqueId of the document that this one replaces. */
  replaces?: string;
}

/** Reads the documents that have a status, and their patient. Throws PasserelleError: `mail-unreachable` (wait), or what makes sending wrong. */
export async function readDossiers(
  references: string[],
  patient: string | undefined,
  fhir: FhirEndpoint,
  status: DocumentReference['status'] = 'current',
): Promise<{ patient: Patient; dossiers: Dossier[] }> {
  const dossiers: Dossier[] = [];
  const subjects = new Set<string>();
  let superseded: string | undefined;
  for (const one of references) {
    const document = await read<DocumentReference>(one, fhir);
    if (document?.status === 'superseded') superseded = uniqueIdOf(document.masterIdentifier);
    if (document?.status !== status) continue;
    if (document.subject?.reference) subjects.add(document.subject.reference);
    dossiers.push(await dossierOf(document, fhir));
  }
  if (subjects.size > 1) throw new PasserelleError(fault('mail-several-patients'));
  const [subject = patient] = [...subjects];
  const found = subject ? await read<Patient>(subject, fhir) : undefined;
  // The same message changed both: the new document takes the place of the one it made obsolete.
  if (dossiers[0] && superseded) dossiers[0].replaces ??= superseded;
  if (dossiers.length === 0 || !found) throw new PasserelleError(fault('mail-document-gone'));
  return { patient: found, dossiers };
}

async function dossierOf(reference: DocumentReference, fhir: FhirEndpoint): Promise<Dossier> {
  const contents: Content[] = [];
  for (const { attachment, format } of reference.content ?? []) {
    contents.push({ attachment, format, bytes: await bytesOf(attachment, fhir) });
  }
  const parent = reference.relatesTo?.find((one) => one.code === 'replaces')?.target;
  const replaced = parent?.reference ? await read<DocumentReference>(parent.reference, fhir) : undefined;
  const replaces = uniqueIdOf(replaced?.masterIdentifier ?? parent?.identifier);
  const composition = await compositionOf(reference, fhir);
  return {
    reference,
    contents,
    author: await authorOf(reference.author?.[0]?.reference, fhir),
    authenticator: await authorOf(reference.authenticator?.reference, fhir),
    ...(composition ? { composition } : {}),
    ...(replaces ? { replaces } : {}),
  };
}

/** A document's identifier as XDS writes it: an OID or UUID alone, or `root^extension` (IHE ITI TF-3, 4.2.3.2.26). */
export function uniqueIdOf(identifier: Identifier | undefined): string | undefined {
  const root = /^urn:oid:(.+)$/.exec(identifier?.system ?? '')?.[1];
  const value = identifier?.value?.replace(/^urn:(oid|uuid):/, '');
  return root && value ? `${root}^${value}` : value;
}

async function compositionOf({ masterIdentifier }: DocumentReference, fhir: FhirEndpoint) {
  if (!masterIdentifier?.value) return undefined;
  const token = encodeURIComponent(`${masterIdentifier.system ?? ''}|${masterIdentifier.value}`);
  const { status, body } = await fhir.send({ method: 'GET', path: `Composition?identifier=${token}` });
  if (status !== 200) throw unreachable(status);
  return (body as Bundle).entry?.[0]?.resource as Composition | undefined;
}

async function authorOf(reference: string | undefined, fhir: FhirEndpoint): Promise<Author> {
  if (!reference) return {};
  const found = await read<PractitionerRole | Practitioner | Organization | Device>(reference, fhir);
  if (found?.resourceType === 'Practitioner') return { practitioner: found };
  if (found?.resourceType === 'Organization') return { organization: found };
  if (found?.resourceType === 'Device') {
    const owner = await read<Organization>(found.owner?.reference, fhir);
    return { device: found, ...(owner ? { organization: owner } : {}) };
  }
  if (found?.resourceType !== 'PractitionerRole') return {};
  const practitioner = await read<Practitioner>(found.practitioner?.reference, fhir);
  const organization = await read<Organization>(found.organization?.reference, fhir);
  return { ...(practitioner ? { practitioner } : {}), ...(organization ? { organization } : {}) };
}

/** The exact bytes, checked against the hash the document announces. */
async function bytesOf(attachment: Attachment, fhir: FhirEndpoint): Promise<Uint8Array> {
  const bytes = await loaded(attachment, fhir);
  const hash = attachment.hash && createHash('sha1').update(bytes).digest('base64');
  if (bytes.length === 0 || hash !== (attachment.hash || undefined)) throw gone();
  return bytes;
}

async function loaded({ url, data, contentType }: Attachment, fhir: FhirEndpoint): Promise<Uint8Array> {
  if (data) return Buffer.from(data, 'base64');
  const path = /(Binary\/[A-Za-z0-9.-]{1,64})$/.exec(url ?? '')?.[1];
  if (!path) throw gone();
  const headers = { accept: contentType ?? 'application/octet-stream' };
  const { status, body } = await fhir.send({ method: 'GET', path, headers });
  if (status === 404 || status === 410) throw gone();
  if (status !== 200) throw unreachable(status);
  if (body instanceof Uint8Array) return body;
  return Buffer.from((body as Binary).data ?? '', 'base64');
}

async function read<R extends Resource>(path: string | undefined, fhir: FhirEndpoint): Promise<R | undefined> {
  if (!path || !/^[A-Z][A-Za-z]+\/[A-Za-z0-9.-]{1,64}$/.test(path)) return undefined;
  const { status, body } = await fhir.send({ method: 'GET', path });
  if (status === 404 || status === 410) return undefined;
  if (status !== 200) throw unreachable(status);
  return body as R;
}

function gone(): PasserelleError {
  return new PasserelleError(fault('mail-document-gone'));
}

function unreachable(status: number): PasserelleError {
  return new PasserelleError(fault('fhir-unreachable', { detail: `answered ${status}` }));
}
