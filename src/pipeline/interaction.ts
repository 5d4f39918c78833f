import type { Bundle, BundleEntry, Resource } from '@medplum/fhirtypes';
import type { FhirResponse } from '../adapter.ts';
import type { Draft } from '../conversion.ts';
import { type Fault, fault, httpStatus, isError, operationOutcome } from '../errors.ts';
import { addressIn } from '../fhir-pages.ts';
import * as fhir from '../formats/fhir/index.ts';
import { retryMoment } from '../journal/backoff.ts';
import type { Message, Settlement } from '../journal/journal.ts';
import { type Interaction, sourceOf } from '../message.ts';
import { answersWritten, problemsOfAnswers } from './answers.ts';
import { doublesWritten } from './doubles.ts';
import { admitted, follow, isNews } from './follow.ts';
import type { House } from './house.ts';
import { judgeResource } from './judge.ts';
import { type Asked, isBatch, withOwnIds } from './own-ids.ts';
import { withFullUrls } from './own-names.ts';
import { asUpdate, withUpdates } from './patch.ts';
import { askedAbout, claimedKeys, register } from './registration.ts';
import { applyDecision } from './review.ts';
import { askNow, handOver, unwritten } from './write-now.ts';
import { answerOf, joined, writtenBefore } from './written-before.ts';
import { newsWritten } from './written-news.ts';

/**
 * Applies a write of the FHIR API as it was sent: it has been written down, so it can be applied again after a crash. The
 * server's own answer is kept for the client who waits.
 */
export async function applyInteraction(message: Message, house: House): Promise<Settlement> {
  const interaction = message.incoming.interaction!;
  const body = bodyOf(message, interaction, house);
  if ('faults' in body) return refusal(body.faults);
  const keys = claimedKeys({ interaction, resource: body.resource });
  const work = () => applyBody(message, interaction, body, house);
  return keys.length > 0 ? house.locks.within(keys, work) : work();
}

async function applyBody(message: Message, interaction: Interaction, body: Body, house: House): Promise<Settlement> {
  for (let attempt = 1; ; attempt++) {
    const write = await resolved(message, interaction, body, house);
    if ('state' in write) return write;
    const { settlement, isVersioned } = await apply(message, write, house);
    const status = ('response' in settlement && settlement.response?.status) || 0;
    const isOvertaken = (write.patches || isVersioned) && conflicts.includes(status);
    if (!isOvertaken || attempt === mostAttempts) return settlement;
  }
}

/** Whoever names no version does not mind what others wrote meanwhile; for ever is too long, though. */
const mostAttempts = 4;

/** What servers answer when a version that is named is no longer the current one. */
const conflicts = [409, 412];

/** A write as the FHIR server is to be asked for it. */
interface Write {
  interaction: Interaction;
  resource?: Resource;
  /** Patches in it were applied here, to the versions it names. */
  patches?: boolean;
  /** It had been written already, before a crash: the answer. */
  done?: FhirResponse;
}

type Body = { resource?: Resource; patch?: unknown };

/** What is written, whole: of a patch, what it comes to. A settlement when that cannot be. */
async function resolved(
  message: Message,
  interaction: Interaction,
  { resource, patch }: Body,
  house: House,
): Promise<Write | Settlement> {
  if (interaction.method !== 'PATCH') {
    const isPatched = resource?.resourceType === 'Bundle' && resource.entry?.some((one) => isPatch(one));
    if (!isPatched) return { interaction, resource };
    const whole = await withUpdates(resource as Bundle, house);
    return 'faults' in whole ? refusal(whole.faults) : { interaction, resource: whole.bundle, patches: true };
  }
  const update = await asUpdate(interaction, patch, sourceOf(message.id), house);
  if ('faults' in update) return refusal(update.faults, httpStatus(update.faults));
  if ('answer' in update) {
    const { answer } = update;
    if (isForLater(answer)) return later(message, house, answer);
    return refusedBy(answer);
  }
  if ('done' in update) return { interaction, resource: update.done, done: answerOf(update.done) };
  return { ...update, patches: !interaction.headers.ifMatch };
}

function isPatch(entry: BundleEntry | undefined): boolean {
  return entry?.request?.method === 'PATCH';
}

/** How a write ended, and whether it named versions that were read here. */
interface Applied {
  settlement: Settlement;
  isVersioned?: boolean;
}

async function apply(message: Message, { interaction, resource, done }: Write, house: House): Promise<Applied> {
  if (done) return { settlement: await ended(message, resource, { response: done }, house) };
  const found = resource ? findings(resource, message, house) : [];
  if (found.some(isError)) return { settlement: refusal(found) };
  const decision = await applyDecision(message, interaction, resource, house);
  if (decision) return { settlement: decision };

  const named = await withFullUrls({ interaction, resource }, message.id, house);
  const registration = await register(named, message, house);
  const { asked, faults, held, isVersioned } = registration;
  found.push(...faults);
  if (held) return { settlement: await heldForReview(held, found, message, house) };
  if (faults.some(isError)) return { settlement: refusal(found) };
  const answer = registration.done ? { response: registration.done } : await sent(message, asked, house);
  if (isRace(interaction, resource, answer.response) && !isVersioned && message.attempts < mostRaces) {
    return { settlement: later(message, house, answer.response) };
  }
  const doubles = await doublesWritten({ interaction, resource }, answer.response, message, house);
  const questions = [...askedAbout(registration, message, answer.response), ...doubles.drafts];
  found.push(...doubles.faults);
  return { settlement: await ended(message, resource, { ...answer, found, questions }, house), isVersioned };
}

/** Nothing is written but the questions; the message waits for whoever decides them. */
async function heldForReview(questions: Draft[], faults: Fault[], message: Message, house: House): Promise<Settlement> {
  return { state: 'quarantined', faults, references: await askNow(questions, message, house) };
}

/** The FHIR server's answer to a write, and what is known besides. */
interface Answered {
  response: FhirResponse;
  /** References of what was written with all that followed, where an earlier attempt told of it. */
  told?: string[];
  found?: Fault[];
  /** Questions for a person that hold up nothing. */
  questions?: Draft[];
}

async function ended(
  message: Message,
  resource: Resource | undefined,
  { response, told, found = [], questions = [] }: Answered,
  house: House,
): Promise<Settlement> {
  if (isForLater(response)) return later(message, house, response);
  if (response.status >= 400) return refusedBy(response);
  const own = told ?? (response.status < 300 ? writtenReferences(response) : []);
  if (own.length === 0) return { state: 'delivered', faults: found, references: own, response };
  const followed = await finish(message, resource, response, { own, questions }, house);
  const references = [...new Set([...own, ...followed.references])];
  const { sender } = message;
  const written = { messageId: message.id, sender, receivedAt: new Date(message.receivedAt), references };
  // No sender's orders come with a write of the FHIR API: only doors that act on what is written want something of it.
  const deliveries = house.consequences(written);
  return { state: 'delivered', faults: [...found, ...followed.faults], references, response, deliveries };
}

/** The FHIR server's answer to the write; the answer it gave, or would have given, when an earlier attempt got through. */
async function sent(
  { id, attempts }: Message,
  asked: Asked,
  house: House,
): Promise<{ response: FhirResponse; told?: string[] }> {
  const { interaction, resource } = withOwnIds(asked, id);
  const { method, path } = interaction;
  const write = (one: Resource | undefined) =>
    house.fhir.send({ method, path, body: one && marked(one, sourceOf(id)), headers: headersOf(interaction) });
  const before = attempts > 1 ? await writtenBefore({ interaction, resource }, id, house) : undefined;
  if (!before) return { response: await write(resource) };
  const { answer, rest, told } = before;
  return { response: rest ? joined(answer, await write(rest)) : answer, told };
}

/** What follows is written with the Provenance of the whole; a reading is never taken for done before its alert is there. */
async function finish(
  message: Message,
  resource: Resource | undefined,
  response: FhirResponse,
  { own, questions }: { own: string[]; questions: Draft[] },
  house: House,
): Promise<{ references: string[]; faults: Fault[] }> {
  const news = resource ? await newsWritten(resource, response, house) : [];
  const answers = resource ? await answersWritten(resource, response, message, house) : { drafts: [], faults: [] };
  news.push(...answers.drafts.filter((one) => isNews(one.resource)));
  const followed = await follow(news, new Date(message.receivedAt), house);
  const faults = [...answers.faults, ...followed.faults];
  const drafts = [...answers.drafts, ...followed.drafts, ...questions];
  const outcome = await handOver(drafts, own, message, house);
  if (outcome.outcome === 'delivered') return { references: outcome.references ?? [], faults };
  if (outcome.outcome !== 'permanent') throw unwritten(outcome);
  house.log.warn({ message: message.id, reason: outcome.faults[0]?.code }, 'what follows from a write was not taken');
  return { references: [], faults: [...faults, ...outcome.faults] };
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

/**
 * A conflict over a resource for which the caller has set no condition is the server's own affair, and passes: who was told
 * 202 hears nothing of it any more. A Bundle may contradict itself, and a deletion what still refers to the resource.
 */
function isRace({ method, path, headers }: Interaction, resource: Resource | undefined, { status }: FhirResponse) {
  const isConditional = headers.ifMatch !== undefined || headers.ifNoneExist !== undefined || path.includes('?');
  return conflicts.includes(status) && method !== 'DELETE' && !isConditional && resource?.resourceType !== 'Bundle';
}

/** After so many attempts, some minutes, a conflict is taken for an answer. */
const mostRaces = 10;

const isForLater = ({ status }: FhirResponse) => status === 429 || status >= 500;

function later(message: Message, house: House, { status }: FhirResponse): Settlement {
  return putOff(message, house, fault('fhir-unreachable', { detail: `status ${status}` }));
}

/** The server's own words are for its client, and for whoever looks into the journal. */
function refusedBy(response: FhirResponse): Settlement {
  const { status, body } = response;
  const detail = `${status} ${JSON.stringify(body ?? '').slice(0, 2000)}`;
  return {
    state: 'refused',
    faults: [fault('fhir-refused', { params: { status }, detail })],
    references: [],
    response,
  };
}

function refusal(faults: Fault[], status = 422): Settlement {
  const body = operationOutcome(faults);
  return { state: 'refused', faults, references: [], response: { status, headers: {}, body } };
}

/** A resource (JSON or XML) or, for PATCH, the patch as it came. */
function bodyOf(message: Message, interaction: Interaction, { bases = [] }: House): Body | { faults: Fault[] } {
  if (interaction.method === 'DELETE') return {};
  const { bytes } = message.incoming;
  const type = interaction.headers.contentType ?? '';
  if (interaction.method === 'PATCH' && !type.includes('fhir'))
    return { patch: JSON.parse(Buffer.from(bytes).toString('utf8')) };
  const decoded = fhir.read(bytes);
  const errors = decoded.faults.filter(isError);
  if (errors.length > 0) return { faults: errors };
  fhir.localise(decoded.tree, bases);
  return interaction.method === 'PATCH' ? { patch: decoded.tree } : { resource: decoded.tree as Resource };
}

/** An error is what keeps a resource from being written; everything else is told and left to the FHIR server. */
function findings(resource: Resource, message: Message, house: House): Fault[] {
  const resources = resource.resourceType === 'Bundle' ? (resource.entry ?? []).map((one) => one.resource) : [resource];
  const there = resources.filter((one) => one !== undefined);
  const judged = there.flatMap((one) => judgeResource(one, house));
  const inadmissible = admitted(there, new Date(message.receivedAt), house);
  return [...judged, ...inadmissible, ...problemsOfAnswers(there, message, house)];
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
  const withSource = (one: Resource) => ({ ...one, meta: { ...one.meta, source } }) as Resource;
  if (!isBatch(resource)) return withSource(resource);
  return {
    ...resource,
    entry: resource.entry?.map((entry) =>
      entry.resource && entry.request?.method !== 'PATCH' ? { ...entry, resource: withSource(entry.resource) } : entry,
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
  return locations.flatMap((location) => addressIn(location) ?? []);
}
