import type { Bundle, BundleEntry, Resource } from '@medplum/fhirtypes';
import type { Request } from 'express';
import type { FhirResponse } from '../adapter.ts';
import { read } from '../formats/fhir/index.ts';
import type { Interaction } from '../message.ts';

/** A write as it was asked for; the bytes are the resource, or none. */
type AskedWrite = Pick<Interaction, 'method' | 'path'> & { bytes: Uint8Array };

/**
 * The answer to a write as far as its caller may know it. Who may write but not read gets no resource back
 * (`return=minimal`, https://hl7.org/fhir/R4/http.html#ops), and cannot tell a create from one that found a record which
 * was there: both are answered `201` with an address and no version.
 */
export function withheld(request: Request, write: AskedWrite, from: FhirResponse): FhirResponse {
  const body = from.body as Resource | undefined;
  if (!request.caller || from.status >= 300 || isOutcome(body)) return from;
  if (body?.resourceType === 'Bundle' && body.type?.endsWith('-response')) return ofBundle(request, write, from, body);
  const { method, path } = write;
  const type = path.split(/[/?]/)[0] as string;
  if (!isHidden(request, body, type, () => resourceOf(write))) return from;
  const { body: _body, ...rest } = from;
  const location = withoutVersion(from.headers.location);
  return isCreate(method, path) && location ? { status: 201, headers: { location } } : rest;
}

function ofBundle(request: Request, write: AskedWrite, from: FhirResponse, body: Bundle): FhirResponse {
  let sent: BundleEntry[] | undefined;
  const asked = (index: number) => {
    sent ??= (resourceOf(write) as Bundle | undefined)?.entry ?? [];
    return sent[index];
  };
  const entry = body.entry?.map((one, index) => {
    const type = withoutVersion(one.response?.location)?.split('/').at(-2);
    const isKept = isOutcome(one.resource) || (!one.resource && !type);
    if (isKept || !isHidden(request, one.resource, type, () => asked(index)?.resource)) return one;
    return minimal(one, asked(index));
  });
  return { ...from, body: { ...body, entry } };
}

function minimal({ response }: BundleEntry, asked: BundleEntry | undefined): BundleEntry {
  const { method = '', url = '' } = asked?.request ?? {};
  const location = withoutVersion(response?.location);
  const isDone = response?.status?.startsWith('2') && isCreate(method, url);
  return isDone && location ? { response: { status: '201', location } } : { response };
}

/** What comes without its resource is judged by type; a scope for some of the type, by what the caller itself sent. */
function isHidden(
  { caller }: Request,
  shown: Resource | undefined,
  type: string | undefined,
  sent: () => Resource | undefined,
): boolean {
  if (caller!.sees(shown ?? ({ resourceType: type } as Resource))) return false;
  const own = shown ? undefined : sent();
  return !own || !caller!.sees(own);
}

function resourceOf({ bytes }: AskedWrite): Resource | undefined {
  return bytes.length > 0 ? (read(bytes).tree as Resource | undefined) : undefined;
}

const withoutVersion = (location: string | undefined) => location?.replace(/\/_history\/[^/]*$/, '');

const isCreate = (method: string, url: string) => method === 'POST' || url.includes('?');

const isOutcome = (resource: Resource | undefined) => resource?.resourceType === 'OperationOutcome';
