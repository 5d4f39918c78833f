import { createHash } from 'node:crypto';
import type {
  Binary,
  Bundle,
  Consent,
  Device,
  DocumentReference,
  DocumentReferenceContent,
  Organization,
  Patient,
  Practitioner,
  PractitionerRole,
  Resource,
} from '@medplum/fhirtypes';
import type { FhirEndpoint } from '../../adapter.ts';
import { fault, PasserelleError } from '../../errors.ts';

/** What is provided about one document, as it stands on the FHIR server now. */
export interface Dossier {
  document: DocumentReference;
  /** The structured content, else the first. */
  content: DocumentReferenceContent;
  bytes: Uint8Array;
  author: Chain;
  custodian?: Organization;
}

/** Who wrote it: a person in a role at a place, as far as it is known. */
export interface Chain {
  role?: PractitionerRole;
  practitioner?: Practitioner;
  organization?: Organization;
  /** A program that wrote it by itself. */
  device?: Device;
}

/** Content, bytes and people of a document. Throws PasserelleError `share-document-gone` or `fhir-unreachable`. */
export async function readDossier(document: DocumentReference, fhir: FhirEndpoint): Promise<Dossier> {
  const contents = document.content ?? [];
  const content = contents.find(({ attachment }) => /xml/.test(attachment?.contentType ?? '')) ?? contents[0];
  if (!content) throw gone();
  const author = await chainOf(document.author?.[0]?.reference, fhir);
  const custodian = (await readOne<Organization>(document.custodian?.reference, fhir)) ?? author.organization;
  return { document, content, bytes: await bytesOf(content, fhir), author, ...(custodian ? { custodian } : {}) };
}

async function chainOf(reference: string | undefined, fhir: FhirEndpoint): Promise<Chain> {
  const found = await readOne<PractitionerRole | Practitioner | Organization | Device>(reference, fhir);
  if (found?.resourceType === 'Practitioner') return { practitioner: found };
  if (found?.resourceType === 'Organization') return { organization: found };
  if (found?.resourceType === 'Device') return { device: found };
  if (found?.resourceType !== 'PractitionerRole') return {};
  const practitioner = await readOne<Practitioner>(found.practitioner?.reference, fhir);
  const organization = await readOne<Organization>(found.organization?.reference, fhir);
  return { role: found, ...(practitioner ? { practitioner } : {}), ...(organization ? { organization } : {}) };
}

/** The exact bytes, checked against the hash that the document announces. */
async function bytesOf({ attachment }: DocumentReferenceContent, fhir: FhirEndpoint): Promise<Uint8Array> {
  const path = /(Binary\/[A-Za-z0-9.-]{1,64})$/.exec(attachment.url ?? '')?.[1];
  const inline = attachment.data ? Buffer.from(attachment.data, 'base64') : undefined;
  const data = inline ?? Buffer.from((await readOne<Binary>(path, fhir))?.data ?? '', 'base64');
  if (data.length === 0 || (attachment.hash && attachment.hash !== sha1(data))) throw gone();
  return data;
}

/** Hash of an attachment: SHA-1 in Base64. */
export function sha1(bytes: Uint8Array): string {
  return createHash('sha1').update(bytes).digest('base64');
}

/** True when the patient said no to the feeding of the shared record (ZFA-9 IO, or said elsewhere). */
export async function isOpposed(patient: string, fhir: FhirEndpoint): Promise<boolean> {
  const category = encodeURIComponent('http://passerelle.example/fhir/CodeSystem/dmp-consent|dmp-feed');
  const path = `Consent?patient=${patient}&status=active&category=${category}&_count=100`;
  const found = await findAll<Consent>(path, fhir);
  return found.some((one) => one.provision?.type === 'deny');
}

/** One resource by its reference; undefined when it is not there. Throws PasserelleError `fhir-unreachable`. */
export async function readOne<R extends Resource>(
  reference: string | undefined,
  fhir: FhirEndpoint,
): Promise<R | undefined> {
  if (!reference || !/^[A-Z][A-Za-z]+\/[A-Za-z0-9.-]{1,64}$/.test(reference)) return undefined;
  const { status, body } = await fhir.send({ method: 'GET', path: reference });
  if (status === 404 || status === 410) return undefined;
  if (status !== 200) throw unreachable(status);
  return body as R;
}

/** The first page of a search. Throws PasserelleError `fhir-unreachable`. */
export async function findAll<R extends Resource>(path: string, fhir: FhirEndpoint): Promise<R[]> {
  const { status, body } = await fhir.send({ method: 'GET', path });
  if (status !== 200) throw unreachable(status);
  return ((body as Bundle<R>).entry ?? []).flatMap(({ resource, search }) =>
    resource && search?.mode !== 'outcome' ? [resource] : [],
  );
}

/** The patient as the FHIR server has them now. */
export function readPatient(reference: string | undefined, fhir: FhirEndpoint): Promise<Patient | undefined> {
  return readOne<Patient>(reference, fhir);
}

function gone(): PasserelleError {
  return new PasserelleError(fault('share-document-gone'));
}

function unreachable(status: number): PasserelleError {
  return new PasserelleError(fault('fhir-unreachable', { detail: `answered ${status}` }));
}
