import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from '@jest/globals';
import type { Bundle, Device, DocumentReference, Provenance, Resource } from '@medplum/fhirtypes';
import { play } from '../../src/cli/demo/paths.ts';
import { story } from '../../src/cli/demo/story.ts';
import type { Ability } from '../../src/store/abilities.ts';
import { startFhirServer } from './fhir-server.ts';
import { limitedTo } from './limited.ts';
import { type RunningGateway, startGateway, until } from './running.ts';

/**
 * Servers differ in how they can be written to so that what is sent twice is there once. Each says what it can do, refuses
 * everything else, and ends up with the same.
 */
const all: Ability[] = ['updateCreate', 'conditionalCreate', 'conditionalUpdate'];
const fhirJson = { 'content-type': 'application/fhir+json' };
const day = new Date();

const reading = {
  resourceType: 'Observation',
  status: 'final',
  code: { coding: [{ system: 'http://loinc.org', code: '8867-4' }] },
  effectiveDateTime: '2026-03-10T09:00:00Z',
  valueQuantity: { value: 71, system: 'http://unitsofmeasure.org', code: '/min' },
};

type Server = Awaited<ReturnType<typeof startFhirServer>>;
let gateway: RunningGateway | undefined;
let server: Server | undefined;
afterEach(async () => {
  await gateway?.remove();
  await server?.stop();
  gateway = undefined;
  server = undefined;
});

async function start(abilities: Ability[], settings: Record<string, string> = {}): Promise<[RunningGateway, Server]> {
  server = await startFhirServer(limitedTo(abilities));
  gateway = await startGateway({ PASSERELLE_FHIR: server.base, ...settings });
  return [gateway, server];
}

async function search<R extends Resource>({ endpoint }: Server, path: string): Promise<R[]> {
  const { body } = await endpoint.send({ method: 'GET', path });
  return ((body as Bundle).entry ?? []).map(({ resource }) => resource as R);
}

const TYPES = [
  'Patient',
  'Encounter',
  'Observation',
  'DocumentReference',
  'Binary',
  'Provenance',
  'CareTeam',
  'Device',
];

async function counts(at: Server): Promise<Record<string, number>> {
  const found = TYPES.map(async (type) => [type, (await search(at, `${type}?_count=1000`)).length] as const);
  return Object.fromEntries(await Promise.all(found));
}

async function playAll({ url, mllp, token }: RunningGateway): Promise<string[]> {
  const failed: string[] = [];
  for await (const step of play(story(day), { url, mllp, token })) if (!step.ok) failed.push(step.what.en);
  return failed;
}

async function replayAll(gateway: RunningGateway): Promise<void> {
  const { messages } = (await gateway.get('/messages')).body;
  for (const { id } of messages) await gateway.post(`/messages/${id}/replay`, '');
  await until(async () => (await gateway.get('/messages?state=accepted')).body.messages.length === 0);
}

const servers: [string, Ability[]][] = [
  ['all of it', all],
  ['conditions, but no ids of ours (as Medplum)', ['conditionalCreate', 'conditionalUpdate']],
  ['ids of ours and conditional create', ['updateCreate', 'conditionalCreate']],
  ['ids of ours alone', ['updateCreate']],
  ['conditional create alone', ['conditionalCreate']],
];
let expected: Record<string, number> | undefined;

describe('a server that can do', () => {
  test.each(servers)('%s', async (_, abilities) => {
    const [running, elsewhere] = await start(abilities);
    expect(await playAll(running)).toEqual([]);
    const written = await counts(elsewhere);
    expected ??= written;
    expect(written).toEqual(expected);
    await replayAll(running);
    expect(await counts(elsewhere)).toEqual(expected);

    for (const { content } of await search<DocumentReference>(elsewhere, 'DocumentReference?_count=100')) {
      const { status } = await elsewhere.endpoint.send({ method: 'GET', path: content[0]!.attachment.url! });
      expect(status).toBe(200);
    }
    for (const { target } of await search<Provenance>(elsewhere, 'Provenance?_count=100')) {
      for (const { reference } of target) {
        const { status } = await elsewhere.endpoint.send({ method: 'GET', path: reference! });
        expect([reference, status]).toEqual([reference, 200]);
      }
    }
  });

  test.each(servers)('%s: single writes of the FHIR API', async (_, abilities) => {
    const [running, elsewhere] = await start(abilities);
    const identifier = [{ system: 'urn:example:devices', value: 'one' }];
    const device = (lotNumber: string) => ({ resourceType: 'Device', identifier, lotNumber });
    const condition = 'identifier=urn:example:devices%7Cone';
    const create = (lot: string) =>
      running.post('/fhir/R4/Device', device(lot), { ...fhirJson, 'if-none-exist': condition });
    const [first, second] = [await create('a'), await create('b')];
    expect([first.status, second.status]).toEqual([201, 200]);
    const headers = { ...fhirJson, authorization: `Bearer ${await running.token()}` };
    const update = { method: 'PUT', headers, body: JSON.stringify(device('c')) };
    expect((await fetch(`${running.url}/fhir/R4/Device?${condition}`, update)).status).toBe(200);
    const [kept, ...more] = await search<Device>(elsewhere, 'Device');
    expect([kept?.lotNumber, kept?.meta?.versionId, more]).toEqual(['c', '2', []]);
  });
});

test('a server that can do nothing of it gets nothing, until somebody says that it can', async () => {
  const data = mkdtempSync(join(tmpdir(), 'passerelle-test-'));
  const [silent, elsewhere] = await start([], { PASSERELLE_DATA: data });
  await silent.post('/in/fhir', reading, fhirJson);
  await until(async () => (await silent.get('/messages?state=dead')).body.messages.length === 1);
  const { body } = await silent.get('/messages?state=dead');
  expect(body.messages[0].issues[0].code).toBe('processing');
  expect(await search(elsewhere, 'Observation')).toEqual([]);
  await silent.stop();

  elsewhere.before = limitedTo(all);
  const file = join(data, 'settings.json');
  writeFileSync(file, JSON.stringify({ fhir: { abilities: ['conditionalCreate', 'conditionalUpdate'] } }));
  gateway = await startGateway({ PASSERELLE_FHIR: elsewhere.base, PASSERELLE_DATA: data, PASSERELLE_CONFIG: file });
  await gateway.post(`/messages/${body.messages[0].id}/replay`, '');
  await until(async () => (await search(elsewhere, 'Observation')).length === 1);
  const [provenance] = await search<Provenance>(elsewhere, 'Provenance');
  expect(provenance?.meta?.tag?.[0]?.system).toBe('http://passerelle.example/fhir/NamingSystem/place');
});
