import { createHash } from 'node:crypto';
import type { Bundle, Provenance, Resource } from '@medplum/fhirtypes';
import type { FhirResponse } from '../adapter.ts';
import { type Fault, fault, isError, operationOutcome } from '../errors.ts';
import * as fhir from '../formats/fhir/index.ts';
import { retryMoment } from '../journal/backoff.ts';
import type { Message, Settlement } from '../journal/journal.ts';
import type { Interaction } from '../message.ts';
import type { House } from './house.ts';
import { judgeResource } from './judge.ts';
import { applyDecision } from './review.ts';

/**
 * Applies a write of the FHIR API as it was sent: it has been written down, so it can be applied again after a crash. The
 * server's own answer is kept for the client who waits.
 */
export async function applyInteraction(message: Message, house: House): Promise<Settlement> {
  const interaction = message.incoming.interaction!;
  const body = bodyOf(message, interaction);
  if ('faults' in body) return refusal(body.faults);
  const found = body.resource ? findings(body.resource, house) : [];
  if (found.some(isError)) return refusal(found);
  const decision = await applyDecision(message, interaction, body.resource, house);
  if (decision) return decision;

  const source = `urn:passerelle:message:${message.id}`;
  const response = await house.fhir.send({
    method: interaction.method,
    path: interaction.path,
    body: body.resource ? marked(body.resource, source) : body.patch,
    headers: headersOf(interaction),
  });
  if (response.status === 429 || response.status >= 500) {
    return putOff(message, house, fault('fhir-unreachable', { detail: `status ${response.status}` }));
  }
  const references = response.status < 300 ? writtenReferences(response) : [];
  if (references.length > 0) await recordProvenance(message, references, source, house);
  const { sender } = message;
  const written = { messageId: message.id, sender, receivedAt: new Date(message.receivedAt), references };
  return {
    state: response.status < 400 ? 'delivered' : 'refused',
    faults: response.status < 400 ? found : [fault('fhir-refused')],
    references,
    response,
    // No sender's orders come with a write of the FHIR API: only doors that act on what is written want something of it.
    ...(references.length > 0 ? { deliveries: house.consequences(written) } : {}),
  };
}

/** A message to be tried again later, with the pause that its attempts call for. */
export function putOff(message: Message, house: House, reason: Fault, ambiguous = false): Settlement {
  return {
    state: 'accepted',
    faults: [reason],
    retryAt: retryMoment(message.attempts, house.now().getTime()),
    ambiguous,
  };
}

function refusal(faults: Fault[]): Settlement {
  const body = operationOutcome(faults);
  return { state: 'refused', faults, references: [], response: { status: 422, headers: {}, body } };
}

/** A resource (JSON or XML) or, for PATCH, the patch as it came. */
function bodyOf(
  message: Message,
  interaction: Interaction,
): { resource?: Resource; patch?: unknown } | { faults: Fault[] } {
  if (interaction.method === 'DELETE') return {};
  const { bytes } = message.incoming;
  const type = interaction.headers.contentType ?? '';
  if (interaction.method === 'PATCH' && !type.includes('fhir'))
    return { patch: JSON.parse(Buffer.from(bytes).toString('utf8')) };
  const decoded = fhir.read(bytes);
  const errors = decoded.faults.filter(isError);
  if (errors.length > 0) return { faults: errors };
  return interaction.method === 'PATCH' ? { patch: decoded.tree } : { resource: decoded.tree as Resource };
}

/** An error is what keeps a resource from being written; everything else is told and left to the FHIR server. */
function findings(resource: Resource, house: House): Fault[] {
  const resources = resource.resourceType === 'Bundle' ? (resource.entry ?? []).map((one) => one.resource) : [resource];
  return resources.flatMap((one) => (one ? judgeResource(one, house) : []));
}

function headersOf({ headers }: Interaction): Record<string, string> {
  const named = {
    'if-match': headers.ifMatch,
    'if-none-exist': headers.ifNoneExist,
    'content-type': headers.contentType,
    prefer: headers.prefer,
  };
  return Object.fromEntries(Object.entries(named).filter(([, value]) => value)) as Record<string, string>;
}

/** Sets `meta.source` on the resource, or on each resource of a transaction or batch. */
function marked(resource: Resource, source: string): Resource {
  if (resource.resourceType !== 'Bundle') return { ...resource, meta: { ...resource.meta, source } };
  if (resource.type !== 'transaction' && resource.type !== 'batch')
    return { ...resource, meta: { ...resource.meta, source } };
  return {
    ...resource,
    entry: resource.entry?.map((entry) =>
      entry.resource && entry.request?.method !== 'PATCH'
        ? { ...entry, resource: { ...entry.resource, meta: { ...entry.resource.meta, source } } as Resource }
        : entry,
    ),
  };
}

function writtenReferences(response: FhirResponse): string[] {
  const bundle = response.body as Bundle | undefined;
  const locations =
    bundle?.resourceType === 'Bundle' && bundle.type?.endsWith('-response')
      ? (bundle.entry ?? [])
          .filter((entry) => entry.response?.status?.startsWith('2'))
          .map((entry) => entry.response?.location)
      : [response.headers.location];
  return locations.flatMap(
    (location) => /([A-Z][A-Za-z]+\/[A-Za-z0-9.-]{1,64})(\/_history|$)/.exec(location ?? '')?.[1] ?? [],
  );
}

/** One Provenance a message; its id follows from the message, so that a replay writes the same one. */
async function recordProvenance(message: Message, references: string[], source: string, house: House): Promise<void> {
  const id = `provenance-${createHash('sha256').update(message.id).digest('hex').slice(0, 32)}`;
  const provenance: Provenance = {
    resourceType: 'Provenance',
    id,
    meta: { source },
    target: references.map((reference) => ({ reference })),
    recorded: new Date(message.receivedAt).toISOString(),
    agent: [{ who: { display: message.sender } }],
  };
  await house.fhir.send({ method: 'PUT', path: `Provenance/${id}`, body: provenance });
}
