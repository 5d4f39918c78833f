import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, test } from '@jest/globals';
import type { Bundle, DocumentReference, Encounter, Resource, Task } from '@medplum/fhirtypes';
import { startFhirServer } from './fhir-server.ts';
import { type RunningGateway, startGateway, until } from './running.ts';

/**
 * A FHIR server that fails now and then, and one that never fails: what is there in the end is the same. Whoever takes « could not be read » for « is not there » writes a document over a stranger's, makes a second record,
 * or refuses what should have waited.
 */
const golden = (name: string, file: string) => readFileSync(join(import.meta.dirname, '..', 'golden', name, file));
const hl7v2 = (name: string) => golden(name, 'input.hl7');
const LEADER = /(\^Base64\^)([A-Za-z0-9+/=]{200,})/;

/** The same replacement by people and a structure that have nothing to do with the document. */
function byStrangers(message: Buffer): Buffer {
  const others = (text: string) =>
    text
      .replace(/(root="1\.2\.250\.1\.71\.4\.2\.1" extension=")[^"]+/g, '$1899988877766')
      .replace(/(root="1\.2\.250\.1\.71\.4\.2\.2" extension=")[^"]+/g, '$11988877766')
      .replace(/8999000000\d\d/g, '899988877766')
      .replace(/1?99000\d{4}/g, '1988877766');
  const text = message.toString('latin1');
  const cda = others(Buffer.from(LEADER.exec(text)![2]!, 'base64').toString('utf8'));
  const head = text
    .split('\r')
    .map((one) => (one.startsWith('PRT') ? others(one) : one))
    .join('\r');
  return Buffer.from(head.replace(LEADER, `$1${Buffer.from(cda).toString('base64')}`).replace(/\|T10-1\|/, '|T10-F|'));
}

type Sent = (gateway: RunningGateway) => Promise<unknown>;
const mllp =
  (message: Buffer): Sent =>
  (gateway) =>
    gateway.send(message);
const vendor =
  (route: string, name: string): Sent =>
  (gateway) =>
    gateway.post(`/in/telemonitoring/${route}`, golden(name, 'input.json').toString('utf8'));

const story: Sent[] = [
  mllp(hl7v2('hl7v2-adt-a01')),
  mllp(hl7v2('hl7v2-mdm-t02')),
  mllp(byStrangers(hl7v2('hl7v2-mdm-t10'))),
  mllp(hl7v2('hl7v2-mdm-t10')),
  mllp(hl7v2('hl7v2-mdm-t04')),
  mllp(hl7v2('hl7v2-adt-a03')),
  vendor('covisan-inclusion', 'covisan-inclusion'),
  vendor('covidom', 'covidom-daily-spo2-91'),
  mllp(hl7v2('hl7v2-adt-a40')),
];

type Server = Awaited<ReturnType<typeof startFhirServer>>;

/**
 * Of the different reads of a message every third fails, the first time it is asked for, beginning with one of the first three:
 * were all to fail, the gateway would take the server for down and leave it alone for longer and longer.
 */
function failEveryThird(server: Server, first: number) {
  const asked = new Set<string>();
  let failures = 0;
  server.before = async ({ method, path, body }) => {
    const isReads = (body as Bundle | undefined)?.entry?.every(({ request }) => request?.method === 'GET');
    if ((method !== 'GET' && !isReads) || path === 'metadata') return undefined;
    const name = `${path} ${isReads ? JSON.stringify(body) : ''}`;
    const isNew = !asked.has(name);
    asked.add(name);
    if (!isNew || asked.size % 3 !== first) return undefined;
    failures++;
    return { status: 503, headers: {}, body: undefined };
  };
  return { next: () => asked.clear(), count: () => failures };
}

const ended = (gateway: RunningGateway) =>
  until(async () => (await gateway.get('/messages?state=accepted')).body.messages.length === 0);

/** What became of each message, and what is on the server: how many of each kind, in which state. */
async function worldOf(gateway: RunningGateway, { endpoint }: Server) {
  const { messages } = (await gateway.get('/messages')).body;
  const shown = await Promise.all(messages.map(async (one: any) => (await gateway.get(`/messages/${one.id}`)).body));
  const codes = ({ issues = [] }: any) => issues.map(({ details }: any) => details.coding[0].code);
  const world: Record<string, unknown> = {
    messages: shown.map((one) => [one.kind, one.state, ...codes(one)].join(' ')).sort(),
  };
  for (const type of [
    'Patient',
    'DocumentReference',
    'Encounter',
    'Task',
    'Observation',
    'CarePlan',
    'Condition',
    'Flag',
    'DetectedIssue',
    'EpisodeOfCare',
    'CareTeam',
    'Provenance',
  ]) {
    const { body } = await endpoint.send({ method: 'GET', path: `${type}?_count=500` });
    const found = ((body as Bundle).entry ?? []).map(({ resource }) => resource as Resource);
    world[type] = found
      .map((one) => `${(one as Task | Encounter).status} ${(one as DocumentReference).masterIdentifier?.value ?? ''}`)
      .sort();
  }
  return world;
}

async function told(failing?: number) {
  const server = await startFhirServer();
  const retry = JSON.stringify({ firstSeconds: 0.05, maxSeconds: 0.1, giveUpHours: 1 });
  const gateway = await startGateway({ PASSERELLE_FHIR: server.base, PASSERELLE__retry: retry });
  try {
    const trouble = failing === undefined ? undefined : failEveryThird(server, failing);
    for (const send of story) {
      await send(gateway);
      await ended(gateway);
      trouble?.next();
    }
    return { world: await worldOf(gateway, server), failures: trouble?.count() };
  } finally {
    await gateway.remove();
    await server.stop();
  }
}

let expected: Awaited<ReturnType<typeof worldOf>>;
beforeAll(async () => {
  expected = (await told()).world;
});

test('nothing fails: strangers are refused, the author is not', () => {
  expect(expected.messages).toContainEqual(expect.stringMatching(/^MDM\^T10 quarantined .*document-foreign-author/));
  expect(expected.messages).toContainEqual(expect.stringMatching(/^MDM\^T10 delivered/));
});

test.each([0, 1, 2])('every third read fails, from the %#th on: the same story ends the same', async (first) => {
  const { world, failures } = await told(first);
  expect(failures).toBeGreaterThan(story.length);
  expect(world).toEqual(expected);
});
