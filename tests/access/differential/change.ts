import type { Resource } from '@medplum/fhirtypes';
import type { AccessRules } from '../../../src/access/porter-rules.ts';
import type { Dice } from './random.ts';
import { circleOf, itemRecord, type Sent } from './records.ts';
import { send } from './run.ts';
import { labels, type PatientTold, type World } from './world.ts';

/** Something changes in the world, and is written through the gateway by the hospital's machine; the next request must show it. */
export async function change(
  dice: Dice,
  world: World,
  gateway: { url: string; rules: AccessRules },
  token: string,
): Promise<void> {
  const patient = dice.roll(world.patients.length);
  const told = world.patients[patient]!;
  const before = snapshot(world, gateway.rules, patient);
  const agreed = told.agreement[0]?.yes;
  dice.pick(changes)(dice, world, told);
  const after = snapshot(world, gateway.rules, patient);
  for (const [key, resource] of after) {
    if (JSON.stringify(before.get(key)) === JSON.stringify(resource)) continue;
    const { status, text } = await send(gateway, token, 'PUT', key, resource);
    if (status > 201) throw new Error(`the world could not be changed: ${status} ${text}`);
    if (resource.resourceType === 'Patient') told.written += 1;
  }
  // An agreement taken back ends the programme. Agreeing again does not begin it anew: that takes another inclusion.
  if (agreed && !told.agreement[0]?.yes) for (const episode of told.episodes) episode.running = false;
  await countPlanned(world, patient, gateway, token);
}

/** Planned work is paused and closed by the gateway itself; how often it wrote that is no question of who sees it. */
async function countPlanned(world: World, patient: number, gateway: { url: string }, token: string): Promise<void> {
  for (const { type, id, about, versions } of world.items) {
    if ((type !== 'Task' && type !== 'CarePlan') || !about.includes(patient)) continue;
    const { text } = await send(gateway, token, 'GET', `${type}/${id}`);
    const written = Number((JSON.parse(text) as Resource).meta?.versionId);
    while (versions.length < written) versions.push(versions.at(-1));
  }
}

type Change = (dice: Dice, world: World, told: PatientTold) => void;

const changes: Change[] = [
  (_dice, _world, { teams: [team] }) => {
    if (team) team.active = !team.active;
  },
  (dice, _world, { teams: [team] }) => {
    if (team?.members[0]) team.members[0].when = dice.pick(['now', 'past']);
  },
  (dice, world, told) => {
    told.gp = dice.chance(50) ? { person: dice.roll(world.people.length) } : undefined;
  },
  (_dice, _world, { opposed: [one] }) => {
    if (one) one.active = !one.active;
  },
  (_dice, _world, { agreement: [one] }) => {
    // The profile of what is written anew: it has a day, and an active one permits.
    if (one?.day !== undefined && one.how === 'status') one.yes = !one.yes;
  },
  (dice, _world, { grants: [one] }) => {
    if (one) one.when = dice.pick(['now', 'past']);
  },
  (_dice, _world, { stays: [one] }) => {
    if (one) one.now = !one.now;
  },
  (dice, world) => {
    // What is written anew gets a source of its own, so what is held by that alone would come loose.
    const isSource = (id: string) => world.items.some(({ from }) => from?.by === 'source' && from.document === id);
    const documents = world.items.filter((one) => one.type === 'DocumentReference' && !isSource(one.id));
    if (documents.length === 0) return;
    const document = dice.pick(documents);
    const label = dice.chance(60) ? dice.pick(labels) : undefined;
    if (label !== document.versions.at(-1)) document.versions.push(label);
  },
];

function snapshot(world: World, rules: AccessRules, patient: number): Map<string, Sent> {
  const documents = world.items.filter((one) => one.type === 'DocumentReference').map((one) => itemRecord(world, one));
  return new Map(
    [...circleOf(world, rules, patient), ...documents].map((one) => [`${one.resourceType}/${one.id}`, one]),
  );
}
