import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Bundle, Encounter } from '@medplum/fhirtypes';
import { type RunningGateway, startGateway, until } from './running.ts';

/** A replayed message is as old as it was: it does not bring back a state that later messages left behind. */
let gateway: RunningGateway;
beforeAll(async () => {
  gateway = await startGateway();
});
afterAll(() => gateway.remove());

interface Movement {
  event: string;
  number: string;
  ward: string;
  time: string;
  stay?: string;
}

function movement({ event, number, ward, time, stay = 'V1' }: Movement): string {
  const facility = 'HOSPITAL&1.2.250.1.999.2.1&ISO';
  const code = { A01: 'INSERT', A02: 'INSERT', A03: 'INSERT' }[event];
  const pv1 = `PV1||I|${ward}^101^1||||||||||||||||${stay}^^^${facility}^VN`;
  return [
    `MSH|^~\\&|SIH|HOSPITAL|GATEWAY|CITY|${time}||ADT^${event}^ADT_${event === 'A03' ? 'A03' : event === 'A02' ? 'A02' : 'A01'}|${number}|P|2.5^FRA^2.11|||||FRA|8859/1`,
    `EVN||${time}`,
    `PID|||P-OVERTAKEN^^^${facility}^PI||MARTIN^ANNE^^^^^L||19800101|F`,
    pv1,
    `ZBE|${number}^SIH|${time}||${code}|N|${event}|^^^^^^UF^^^${ward}||HMS`,
  ].join('\r');
}

const settled = () => until(async () => (await gateway.get('/messages?state=accepted')).body.messages.length === 0);

async function send(one: Movement): Promise<string> {
  expect((await gateway.send(movement(one))).code).toBe('AA');
  await settled();
  return (await gateway.get('/messages?limit=1')).body.messages[0].id;
}

async function replay(id: string): Promise<void> {
  expect((await gateway.post(`/messages/${id}/replay`, '')).status).toBe(202);
  await until(async () => (await gateway.get(`/messages/${id}`)).body.attempts > 1);
  await settled();
  expect((await gateway.get(`/messages/${id}`)).body.state).toBe('delivered');
}

async function stays(): Promise<Encounter[]> {
  const { body } = await gateway.get('/fhir/R4/Encounter?_count=100&_sort=-_lastUpdated');
  return ((body as Bundle<Encounter>).entry ?? []).map(({ resource }) => resource!);
}

test('the stay keeps the state of the last message, whichever is replayed', async () => {
  const admitted = await send({ event: 'A01', number: 'M1', ward: 'CARDIO', time: '20260310090000' });
  const [first] = await stays();
  const moved = await send({ event: 'A02', number: 'M2', ward: 'GERIATRICS', time: '20260311090000' });
  const before = await stays();
  expect([before.length, before[0]!.meta!.versionId === first!.meta!.versionId]).toEqual([1, false]);

  for (const id of [admitted, moved, admitted]) await replay(id);
  expect(await stays()).toEqual(before);
  const { body } = await gateway.get('/metrics');
  expect(body).toContain('passerelle_messages{state="delivered"} 2');
});

test('an update by somebody later stays', async () => {
  const admitted = await send({ event: 'A01', number: 'M3', ward: 'CARDIO', time: '20260312090000', stay: 'V2' });
  const [stay] = await stays();
  const headers = { authorization: `Bearer ${await gateway.token()}`, 'content-type': 'application/fhir+json' };
  const address = `${gateway.url}/fhir/R4/Encounter/${stay!.id}`;
  const changed = { ...stay, status: 'finished' };
  expect((await fetch(address, { method: 'PUT', headers, body: JSON.stringify(changed) })).status).toBe(200);
  await replay(admitted);
  expect((await stays()).find(({ id }) => id === stay!.id)?.status).toBe('finished');
});
