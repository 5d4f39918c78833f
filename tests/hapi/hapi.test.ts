import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { play } from '../../src/cli/demo/paths.ts';
import { story } from '../../src/cli/demo/story.ts';
import { type RunningGateway, startGateway, until } from '../e2e/running.ts';
import { admission } from './messages.ts';
import { Hapi, whyNoHapi } from './server.ts';

const missing = whyNoHapi();
if (missing) console.warn(`HAPI tests are skipped: ${missing}`);
const suite = missing ? describe.skip : describe;

suite('with a real HAPI FHIR server behind it', () => {
  const hapi = new Hapi();
  let gateway: RunningGateway;

  beforeAll(async () => {
    await hapi.start();
    gateway = await startGateway({ PASSERELLE_FHIR: hapi.base });
  }, 600_000);

  afterAll(async () => {
    await gateway?.remove();
    await hapi.remove();
  }, 60_000);

  test('the three paths of the demo hold', async () => {
    const stage = { url: gateway.url, mllp: gateway.mllp, token: gateway.token };
    const steps = [];
    for await (const step of play(story(new Date()), stage)) steps.push(step);
    expect(steps.map((one) => [one.what, one.ok])).toEqual(steps.map((one) => [one.what, true]));
  }, 120_000);

  test('64 messages about one new patient at once make one Patient', async () => {
    const messages = Array.from({ length: 64 }, (_, index) => admission({ number: 1, control: `SAME-${index}` }));
    const answers = await Promise.all(messages.map((one) => gateway.send(one)));
    expect(new Set(answers.map((one) => one.code))).toEqual(new Set(['AA']));
    await until(async () => (await waiting(gateway)) === 0, 120);
    expect(await patients(gateway, 1)).toBe(1);
  }, 180_000);

  test('what comes in while HAPI is down is acknowledged, waits, and arrives', async () => {
    await hapi.stop();
    const numbers = Array.from({ length: 40 }, (_, index) => 100 + index);
    const answers = [];
    for (const number of numbers) answers.push(await gateway.send(admission({ number, control: `DOWN-${number}` })));
    expect(new Set(answers.map((one) => one.code))).toEqual(new Set(['AA']));
    expect(await waiting(gateway)).toBe(40);
    await hapi.start();
    await until(async () => (await waiting(gateway)) === 0, 180);
    for (const number of numbers) expect(await patients(gateway, number)).toBe(1);
  }, 400_000);
});

async function waiting(gateway: RunningGateway): Promise<number> {
  const { body } = await gateway.get('/messages?state=accepted');
  return body.messages.length;
}

async function patients(gateway: RunningGateway, number: number): Promise<number> {
  const identifier = encodeURIComponent(`urn:oid:1.2.250.1.999.2.1|HAPI-${number}`);
  return (await gateway.get(`/fhir/R4/Patient?identifier=${identifier}`)).body.total;
}
