import { afterAll, afterEach, expect, test } from '@jest/globals';
import { type GatewayProcess, startProcess } from '../chaos/process.ts';
import { type Crowd, type Doors, sendCrowd } from '../identity/crowd.ts';
import { expectCrowd } from '../identity/crowd-result.ts';
import { postgresServer } from '../journal/postgres-server.ts';

const running: GatewayProcess[] = [];
const database = await postgresServer();

async function start(settings: object = {}): Promise<GatewayProcess> {
  const gateway = await startProcess(settings);
  running.push(gateway);
  return gateway;
}

afterEach(async () => {
  for (const gateway of running.splice(0)) {
    await gateway.kill();
    gateway.remove();
  }
});

afterAll(() => database?.dispose());

// Of fifty patients they tell in tests/hapi, which has the time.
test('64 senders tell of the same new patients at once, in HL7 v2, CDA and FHIR, and merge: each is one Patient, and a replay of all adds nothing', async () => {
  const crowd: Crowd = { senders: 64, patients: 4, series: 1 };
  const gateway = await start();
  const doors = gateway.doors();
  const sent = await sendCrowd(crowd, [doors]);
  await expectCrowd(crowd, doors);
  const before = await inventory(doors);
  expect(before.Patient).toBe(crowd.patients * 3);
  const { replayed } = JSON.parse(gateway.command(['replay', '--state', 'delivered', '--json']));
  expect(replayed).toBe(sent);
  await expectCrowd(crowd, doors);
  expect(await inventory(doors)).toEqual(before);
}, 300_000);

/** How many resources of each type there are. */
async function inventory({ url, token }: Doors): Promise<Record<string, number>> {
  const types = ['Patient', 'Observation', 'DocumentReference', 'Composition', 'Task', 'Provenance', 'Practitioner'];
  const others = ['PractitionerRole', 'Organization', 'Encounter', 'RelatedPerson', 'Location', 'Device', 'Flag'];
  const count = async (type: string) => {
    const answer = await fetch(`${url}/fhir/R4/${type}?_summary=count`, {
      headers: { authorization: `Bearer ${token}` },
    });
    return [type, ((await answer.json()) as { total: number }).total] as const;
  };
  return Object.fromEntries(await Promise.all([...types, ...others].map(count)));
}

const several = database ? test : test.skip;

several(
  'the same through two gateways on one PostgreSQL, neither of which holds the FHIR server',
  async () => {
    const crowd: Crowd = { senders: 64, patients: 2, series: 2 };
    const server = (await start()).doors();
    const settings = {
      journal: database!.url,
      fhir: { server: `${server.url}/fhir/R4`, headers: { authorization: `Bearer ${server.token}` } },
    };
    const doors = [(await start(settings)).doors(), (await start(settings)).doors()];
    await sendCrowd(crowd, doors);
    await expectCrowd(crowd, doors[0]!);
  },
  300_000,
);
