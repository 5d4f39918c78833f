import type { Patient, Resource } from '@medplum/fhirtypes';
import type { FhirResponse } from '../adapter.ts';
import type { Draft } from '../conversion.ts';
import { type Fault, warning } from '../errors.ts';
import { doubleOf, identityKeys } from '../identity/index.ts';
import type { Message } from '../journal/journal.ts';
import type { House } from './house.ts';
import { type Asked, isBatch } from './own-ids.ts';
import { writtenNow } from './written-news.ts';

/**
 * What is to be asked about Patients written by an id of their sender's (`PUT Patient/ID`): such a write is carried out as it
 * was sent, but a number that another record has is shown to a person at once, before a message about either is held for it.
 * @throws PasserelleError `fhir-unreachable`
 */
export async function doublesWritten(
  asked: Asked,
  response: FhirResponse,
  message: Message,
  house: Pick<House, 'fhir'>,
): Promise<{ drafts: Draft[]; faults: Fault[] }> {
  const { resource } = asked;
  const updates = updatesIn(asked);
  if (!resource || updates.size === 0 || response.status >= 300) return { drafts: [], faults: [] };
  const written = await writtenNow(resource, response, (_sent, address) => updates.has(address), house);
  const drafts: Draft[] = [];
  for (const { resource: patient } of written) {
    const question = await doubleOf(patient as Patient, house.fhir, new Date(message.receivedAt));
    if (question) drafts.push(question);
  }
  const params = { elements: 'identifier' };
  return { drafts, faults: drafts.length > 0 ? [warning('identity-possible-duplicate', { params })] : [] };
}

/** Addresses of the Patients with numbers that are updated by id. */
function updatesIn({ interaction, resource }: Asked): Set<string> {
  const update = (one: Resource | undefined, method: string | undefined, url = ''): string[] => {
    const address = /^\/?(Patient\/[A-Za-z0-9.-]{1,64})$/.exec(url)?.[1];
    const isUpdate = method === 'PUT' && one?.resourceType === 'Patient' && identityKeys(one).length > 0;
    return address && isUpdate ? [address] : [];
  };
  if (!resource || !isBatch(resource)) return new Set(update(resource, interaction.method, interaction.path));
  return new Set(
    (resource.entry ?? []).flatMap((one) => update(one?.resource, one?.request?.method, one?.request?.url)),
  );
}
