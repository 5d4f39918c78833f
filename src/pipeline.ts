import type { Provenance, Resource } from '@medplum/fhirtypes';
import type { Conversion } from './conversion.ts';
import { type Fault, isError } from './errors.ts';
import { readIfThere } from './fhir-pages.ts';
import { LongBase64 } from './formats/fhir/long-base64.ts';
import type { Message, Settlement } from './journal/journal.ts';
import { assemble, provenanceId } from './mapping/index.ts';
import {
  expand,
  lookBacksOf,
  needsOf,
  noSurroundings,
  react,
  readSurroundings,
  type Surroundings,
} from './pathway/index.ts';
import { deliver } from './pipeline/deliver.ts';
import { follow, newsElsewhere } from './pipeline/follow.ts';
import type { House } from './pipeline/house.ts';
import { type Identity, identify, withPatient } from './pipeline/identify.ts';
import { honourIntents } from './pipeline/intents.ts';
import { applyInteraction } from './pipeline/interaction.ts';
import { judge } from './pipeline/judge.ts';
import { withoutOvertaken } from './pipeline/overtaken.ts';
import type { Mapped } from './pipeline/prepared.ts';
import { nameRecipients } from './pipeline/recipients.ts';
import { completeStays } from './pipeline/stays.ts';
import { assertedAt, translate } from './pipeline/translate.ts';
import { betweenSteps, letGo, unwrap } from './pipeline/unwrap.ts';

/**
 * The story of a message after it has been written down and acknowledged (that part is `src/pipeline/inspect.ts`):
 *
 *     unwrap → map → judge → identify → react → honour → deliver
 *
 * Every stage says all it finds. A message with an error is held for a person, with nothing written; one that the FHIR
 * server cannot take just now waits, with everything that comes after it for the same patient.
 */
export async function processMessage(message: Message, house: House): Promise<Settlement> {
  if (message.incoming.interaction) return applyInteraction(message, house);

  const mapped = house.prepared.take(message.id, house) ?? (await convert(message, house));
  const { unwrapped, conversion, judged = judge(conversion, house) } = mapped;
  const faults = [...unwrapped.faults, ...conversion.faults, ...judged];
  if (judged.some(isError) && house.nonconforming === 'refuse') return held(faults, conversion, [], 'refused');
  if (faults.some(isError)) return held(faults, conversion);

  const asOf = assertedAt(unwrapped, message.receivedAt);
  return withPatient(conversion, house, () => write(conversion, asOf, faults, message, house));
}

async function convert(message: Message, house: House): Promise<Mapped> {
  const unwrapped = await unwrap(message.incoming);
  await betweenSteps(message.incoming);
  const conversion = translate(unwrapped, message, house);
  expand(conversion, house.pathway, new Date(message.receivedAt));
  const { bytes } = message.incoming;
  // From here on a message of HL7 v2 is its documents, which were decoded into bytes of their own.
  if (unwrapped.format === 'hl7v2' && !conversion.drafts.some(({ resource }) => holds(resource, bytes))) letGo(bytes);
  return { unwrapped, conversion };
}

function holds(resource: Resource, bytes: Uint8Array): boolean {
  const { data } = resource as { data?: unknown };
  return data instanceof LongBase64 && data.bytes.buffer === bytes.buffer;
}

/** From here on the FHIR server is needed: who is it, what is known, what follows, send. */
async function write(
  conversion: Conversion,
  asOf: string,
  faults: Fault[],
  message: Message,
  house: House,
): Promise<Settlement> {
  const identity = await identify(conversion, asOf, message, house);
  faults.push(...identity.faults);
  if (identity.outcome === 'held') return held(faults, conversion, identity.references);

  await completeStays(conversion, identity, house);
  const surroundings = await lookAround(conversion, identity, new Date(message.receivedAt), house);
  // In two steps: react may put another list in the place of the drafts.
  const said = conversion.faults.length;
  const reactions = react(conversion, surroundings, house.pathway);
  const followed = await follow(newsElsewhere(conversion), new Date(message.receivedAt), house);
  conversion.drafts.push(...reactions, ...followed.drafts);
  faults.push(...conversion.faults.slice(said), ...followed.faults);
  const changes = await honourIntents(conversion, identity, house);
  faults.push(...changes.faults);
  if (changes.faults.some(isError)) return held(faults, conversion);

  await nameRecipients(conversion, identity, house);
  const told = await toldOf(message, house);
  const assembled = assemble(conversion, { message, identity, changes, told });
  const bundle = message.attempts === 1 ? assembled : await withoutOvertaken(assembled, message.id, house);
  return deliver(bundle, message, conversion, identity.reference, faults, house);
}

/** What an earlier attempt of the message told of its work, if there was one and it came to its end. */
async function toldOf(message: Message, { fhir }: House): Promise<Provenance | undefined> {
  if (message.attempts === 1) return undefined;
  return readIfThere<Provenance>(fhir, `Provenance/${provenanceId(message)}`);
}

/** What the rules need to know of the patient; nothing is read for a message that they have nothing to say about. */
function lookAround(conversion: Conversion, identity: Identity, at: Date, house: House): Promise<Surroundings> {
  const { rules } = house.pathway;
  if (!identity.reference) return Promise.resolve(noSurroundings(identity.fullUrl ?? '', at));
  const asked = { patient: identity.reference, record: identity.patient?.resource, at };
  return readSurroundings(house.fhir, {
    ...asked,
    needs: (known) => needsOf(conversion, rules, known),
    lookBacks: lookBacksOf(conversion, rules),
  });
}

/** Nothing is written but questions for a person; the bytes and all that was found stay in the journal. */
function held(
  faults: Fault[],
  conversion: Conversion,
  references: string[] = [],
  state: 'quarantined' | 'refused' = 'quarantined',
): Settlement {
  return { state, faults, references, unmapped: conversion.unmapped, maps: conversion.maps };
}
