import { afterAll, beforeAll, describe, test } from '@jest/globals';
import { type GatewayProcess, startProcess } from '../chaos/process.ts';
import { type Crowd, sendCrowd } from '../identity/crowd.ts';
import { expectCrowd } from '../identity/crowd-result.ts';
import { postgresServer, type Server } from '../journal/postgres-server.ts';
import { Hapi, whyNoHapi } from './server.ts';

const missing = whyNoHapi();
/** HAPI writes some 30 messages a second here: the crowd of 64 senders and 50 patients takes minutes, and its own run (CROWD=full). */
const onHapi = process.env.CROWD === 'full' ? { senders: 64, patients: 50 } : { senders: 16, patients: 8 };
const suite = missing ? describe.skip : describe;

suite('many senders tell of the same new patients at once, in HL7 v2, CDA and FHIR, and merge', () => {
  const hapi = new Hapi();
  let database: Server | undefined;
  const running: GatewayProcess[] = [];

  beforeAll(async () => {
    await hapi.start();
    database = await postgresServer();
  }, 600_000);

  afterAll(async () => {
    for (const gateway of running) {
      await gateway.kill();
      gateway.remove();
    }
    await database?.dispose();
    await hapi.remove();
  }, 60_000);

  test('64 senders, 50 Patients on the embedded server', async () => {
    const crowd: Crowd = { senders: 64, patients: 50, series: 1 };
    running.push(await startProcess());
    const doors = running[0]!.doors();
    await sendCrowd(crowd, [doors]);
    await expectCrowd(crowd, doors);
  }, 600_000);

  test(`${onHapi.senders} senders, ${onHapi.patients} Patients on HAPI, through two gateways on one PostgreSQL`, async () => {
    const crowd: Crowd = { ...onHapi, series: 2 };
    const settings = { fhir: { server: hapi.base }, ...(database ? { journal: database.url } : {}) };
    const gateways = [await startProcess(settings), ...(database ? [await startProcess(settings)] : [])];
    running.push(...gateways);
    const doors = gateways.map((one) => one.doors());
    await sendCrowd(crowd, doors);
    await expectCrowd(crowd, doors[0]!);
  }, 1_200_000);
});
