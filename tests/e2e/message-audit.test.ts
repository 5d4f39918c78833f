import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { verifyAudit } from '../../src/access/audit.ts';
import { type RunningGateway, startGateway, until } from './running.ts';

const golden = (file: string) => readFileSync(join(import.meta.dirname, '..', 'golden', file), 'utf8');
const letter = golden('hl7v2-mdm-t02/input.hl7');

let gateway: RunningGateway;
beforeAll(async () => {
  gateway = await startGateway();
});
afterAll(() => gateway.remove());

const imports = async () => {
  const { body } = await gateway.get('/fhir/R4/AuditEvent?date=ge2020-01-01&date=lt2100-01-01&_count=100');
  return (body.entry ?? []).map((one: any) => one.resource).filter((one: any) => one.type.code === '110107');
};

test('a message over MLLP is in the audit when it ended: sender, door, message, patient, and no name', async () => {
  expect((await gateway.send(letter)).code).toBe('AA');
  const [event] = await until(async () => {
    const found = await imports();
    return found.length > 0 && found;
  });
  expect(event).toMatchObject({ action: 'C', outcome: '0', outcomeDesc: 'delivered' });
  expect(event.agent.map((one: any) => one.who.display)).toEqual(['DPI|CH-ALPHA', 'mllp']);
  expect(event.agent).toHaveLength(2);
  const entities = event.entity.map((one: any) => one.what.reference ?? one.what.identifier.value);
  expect(entities).toContainEqual(expect.stringMatching(/^urn:passerelle:message:/));
  expect(entities).toContainEqual(expect.stringMatching(/^Patient\//));
  const [, family] = /^PID\|.*?\|.*?\|.*?\|.*?\|([^^|]+)/m.exec(letter.replaceAll('\r', '\n')) ?? [];
  expect(family).toBeTruthy();
  expect(JSON.stringify(event)).not.toContain(family);
});

test('a message that was refused at the door is there too, with the reason, once', async () => {
  const wrong = letter.replace('MDM^T02', 'MDM^T99');
  for (let time = 0; time < 2; time++) expect((await gateway.send(wrong)).code).not.toBe('AA');
  const refused = (await imports()).filter((one: any) => one.outcome === '4');
  expect(refused).toHaveLength(1);
  expect(refused[0].outcomeDesc).toMatch(/^[a-z0-9-]+$/);
});

test('the chain with all of them is whole', async () => {
  await imports();
  expect(verifyAudit(gateway.config.data)).toMatchObject({ whole: true });
});
