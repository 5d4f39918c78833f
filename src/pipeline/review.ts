import type { Resource, Task } from '@medplum/fhirtypes';
import type { FhirResponse } from '../adapter.ts';
import type { Draft } from '../conversion.ts';
import { operationOutcome, PasserelleError } from '../errors.ts';
import { expectOk, readIfThere } from '../fhir-pages.ts';
import { type Author, askedDecision } from '../identity/index.ts';
import type { Message, Settlement } from '../journal/journal.ts';
import { type Interaction, messageIn, sourceOf } from '../message.ts';
import type { House } from './house.ts';
import { writeNow } from './write-now.ts';

/** What a refused decision is told as; everything else is tried again. */
const REFUSED = new Set(['identity-decision-unknown', 'identity-merge-refused']);

/**
 * A write of the FHIR API that decides a question of the identity review queue: the decision is carried out, with its author
 * in a Provenance, and the message that had asked is taken up again. Undefined when the write decides nothing.
 */
export async function applyDecision(
  message: Message,
  interaction: Interaction,
  resource: Resource | undefined,
  house: House,
): Promise<Settlement | undefined> {
  if (resource?.resourceType !== 'Task') return undefined;
  const path = /^Task(?:\/[A-Za-z0-9.-]{1,64})?$/.exec(interaction.path)?.[0];
  const reference = interaction.method === 'PUT' && path?.includes('/') ? path : undefined;
  if (!reference && (interaction.method !== 'POST' || path !== 'Task')) return undefined;
  if (reference && !(await isCurrent(interaction, reference, house))) return undefined;
  const author: Author = {
    who: resource.owner ?? { display: message.sender },
    at: new Date(message.receivedAt),
    source: sourceOf(message.id),
  };
  try {
    const asked = await askedDecision(resource, reference, house.fhir, author);
    if (!asked) return undefined;
    const drafts = asked.isNew ? [...asked.drafts, newTask(resource, message.id)] : asked.drafts;
    const references = await writeNow(drafts, message, house);
    const task = reference ?? references.find((one) => one.startsWith('Task/')) ?? 'Task';
    if (reference) await takeUp(reference, house);
    const response = await answer(task, asked.isNew ? 201 : 200, house);
    return { state: 'delivered', faults: [], references, response };
  } catch (error) {
    if (!(error instanceof PasserelleError) || !error.faults.some((one) => REFUSED.has(one.code))) throw error;
    const body = operationOutcome(error.faults);
    return { state: 'refused', faults: error.faults, references: [], response: { status: 422, headers: {}, body } };
  }
}

/** A client that names a version decides about that one; an older one is refused by the FHIR server. */
async function isCurrent({ headers }: Interaction, reference: string, house: House): Promise<boolean> {
  if (!headers.ifMatch) return true;
  const task = await readIfThere<Task>(house.fhir, reference);
  return task !== undefined && headers.ifMatch === `W/"${task.meta?.versionId}"`;
}

function newTask(resource: Task, id: string): Draft<Task> {
  const identity = { system: 'urn:ietf:rfc:3986', value: `urn:uuid:${id}` };
  const task = { ...resource, identifier: [...(resource.identifier ?? []), identity] };
  return { key: 'identity-review/Task', fullUrl: `urn:uuid:${id}`, resource: task, write: 'create', identity };
}

/** The message that had asked is named by the first version of its question. */
async function takeUp(reference: string, house: House): Promise<void> {
  const first = await readIfThere<Task>(house.fhir, `${reference}/_history/1`);
  const id = first && messageIn(first);
  if (id) await house.takeUp([id]);
}

async function answer(reference: string, status: number, house: House): Promise<FhirResponse> {
  const { body, headers } = expectOk(await house.fhir.send({ method: 'GET', path: reference }));
  const version = (body as Task).meta?.versionId;
  return { status, headers: { ...headers, location: `${reference}/_history/${version}` }, body };
}
