import type { Resource } from '@medplum/fhirtypes';
import type { Conversion, Draft } from '../conversion.ts';
import type { Journal, MessageRecord } from '../journal/journal.ts';
import { type Explanation, explain } from '../mapping/index.ts';
import { messageIn } from '../message.ts';
import type { Converted, ConvertOptions } from './convert-bytes.ts';

/** What is asked: a stored resource, or one element of it. */
export interface Question {
  /** `Observation/42`. */
  reference: string;
  /** The resource as it stands, when a FHIR server could be asked. */
  resource?: Resource;
  /** `valueQuantity`, `name[0].family`; every element without. */
  path?: string;
}

/** The message a resource came from, and where in it each element asked for stands. */
export interface Origin {
  message: MessageRecord;
  elements: Explanation[];
}

/**
 * Where a stored resource came from: its message is found in the journal and converted once more, so that the answer is
 * what the maps say, not what somebody noted. Undefined when no message here wrote it, or its bytes were purged.
 */
export async function explainResource(
  journal: Pick<Journal, 'get' | 'list' | 'bytes'>,
  convert: (bytes: Uint8Array, options: ConvertOptions) => Promise<Converted>,
  { reference, resource, path }: Question,
): Promise<Origin | undefined> {
  const named = resource && messageIn(resource);
  const message = named ? await journal.get(named) : await writer(journal, reference);
  const bytes = message && (await journal.bytes(message.id));
  if (!message || !bytes) return undefined;
  const { conversion } = await convert(bytes, { route: message.route, now: new Date(message.receivedAt) });
  const draft = conversion && draftOf(conversion, message, reference, resource);
  if (!conversion || !draft) return { message, elements: [] };
  return { message, elements: explain(conversion, draft.fullUrl, path) };
}

async function writer(journal: Pick<Journal, 'list'>, reference: string): Promise<MessageRecord | undefined> {
  let before: string | undefined;
  for (;;) {
    const page = await journal.list({ limit: 1000, before });
    const found = page.find((one) => one.references.includes(reference));
    if (found || page.length === 0) return found;
    before = page.at(-1)?.id;
  }
}

/** The draft that became this resource: the one with the same identifier, else the one in its place among its type. */
function draftOf(
  conversion: Conversion,
  record: MessageRecord,
  reference: string,
  resource?: Resource,
): Draft | undefined {
  const type = reference.split('/')[0];
  const drafts = conversion.drafts.filter((one) => one.resource.resourceType === type);
  const known = identifiers(resource);
  const same = drafts.find((one) =>
    [...identifiers(one.resource), `${one.identity.system}|${one.identity.value}`].some((text) => known.includes(text)),
  );
  const place = record.references.filter((one) => one.startsWith(`${type}/`)).indexOf(reference);
  return same ?? (drafts.length === 1 ? drafts[0] : drafts[place]);
}

function identifiers(resource: Resource | undefined): string[] {
  const { identifier } = (resource ?? {}) as { identifier?: unknown };
  const list = (Array.isArray(identifier) ? identifier : [identifier]) as (
    | { system?: string; value?: string }
    | undefined
  )[];
  return list.flatMap((one) => (one?.value ? [`${one.system ?? ''}|${one.value}`] : []));
}
