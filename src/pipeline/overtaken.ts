import type { Bundle, BundleEntry, Resource } from '@medplum/fhirtypes';
import { readTogether, resourcesIn } from '../fhir-pages.ts';
import { messageIn } from '../message.ts';
import type { House } from './house.ts';

/**
 * A message that is worked on again – a replay, one that waited for a person – may have been overtaken: a later message about
 * the same stay or care team has written its state since. Its own is history by now, so what is there stays; what is not there
 * is written as ever. Which is later follows from the ids of messages, which grow in the order of arrival (`journal/id.ts`).
 * What somebody else wrote, not by a message, says nothing about its age and is written over, as the first time.
 * @throws PasserelleError `fhir-unreachable`
 */
export async function withoutOvertaken(bundle: Bundle, messageId: string, house: Pick<House, 'fhir'>): Promise<Bundle> {
  const updates = (bundle.entry ?? []).filter(isConditionalUpdate);
  if (updates.length === 0) return bundle;
  const newer = await thoseWrittenAfter(updates, messageId, house);
  const entry = (bundle.entry ?? []).map((one) => (newer.has(one) ? asCreate(one) : one));
  return { ...bundle, entry };
}

function isConditionalUpdate({ request }: BundleEntry): boolean {
  return request?.method === 'PUT' && request.url.includes('?');
}

/** The same condition, but what meets it stays as it is. */
function asCreate(entry: BundleEntry): BundleEntry {
  const [url = '', ifNoneExist] = entry.request!.url.split(/\?(.*)/s);
  return { ...entry, request: { method: 'POST', url, ifNoneExist } };
}

async function thoseWrittenAfter(
  updates: BundleEntry[],
  messageId: string,
  { fhir }: Pick<House, 'fhir'>,
): Promise<Set<BundleEntry>> {
  const found = await readTogether(
    fhir,
    updates.map(({ request }) => `${request!.url}&_elements=meta&_count=2`),
  );
  const isNewer = (resource: Resource) => (messageIn(resource) ?? '') > messageId;
  return new Set(updates.filter((_, at) => resourcesIn(found[at] as Bundle | undefined).some(isNewer)));
}
