import { afterAll, afterEach, test } from '@jest/globals';
import { type GatewayProcess, startProcess } from '../chaos/process.ts';
import { type Crowd, sendCrowd } from '../identity/crowd.ts';
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
test('64 senders tell of the same new patients at once, in HL7 v2, CDA and FHIR, and merge: each is one Patient', async () => {
  const crowd: Crowd = { senders: 64, patients: 6, series: 1 };
  const doors = (await start()).doors();
  await sendCrowd(crowd, [doors]);
  await expectCrowd(crowd, doors);
}, 120_000);

const several = database ? test : test.skip;

several(
  'the same through two gateways on one PostgreSQL, neither of which holds the FHIR server',
  async () => {
    const crowd: Crowd = { senders: 64, patients: 3, series: 2 };
    const server = (await start()).doors();
    const settings = {
      journal: database!.url,
      fhir: { server: `${server.url}/fhir/R4`, headers: { authorization: `Bearer ${server.token}` } },
    };
    const doors = [(await start(settings)).doors(), (await start(settings)).doors()];
    await sendCrowd(crowd, doors);
    await expectCrowd(crowd, doors[0]!);
  },
  120_000,
);
