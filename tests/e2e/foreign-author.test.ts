import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type RunningGateway, startGateway, until } from './running.ts';

const golden = (name: string) => readFileSync(join(import.meta.dirname, '..', 'golden', name, 'input.hl7'));
const LEADER = /(\^Base64\^)([A-Za-z0-9+/=]{200,})/;

/** The same message from people and structures that have nothing to do with the document. */
function foreign(name: string): Buffer {
  const text = golden(name).toString('latin1');
  const others = (one: string) =>
    one
      .replace(/(root="1\.2\.250\.1\.71\.4\.2\.1" extension=")[^"]+/g, '$1899988877766')
      .replace(/(root="1\.2\.250\.1\.71\.4\.2\.2" extension=")[^"]+/g, '$11988877766')
      .replace(/8999000000\d\d/g, '899988877766')
      .replace(/1?99000\d{4}/g, '1988877766');
  const cda = others(Buffer.from(LEADER.exec(text)![2]!, 'base64').toString('utf8'));
  const head = text
    .split('\r')
    .map((one) => (one.startsWith('PRT') ? others(one) : one))
    .join('\r');
  const payload = Buffer.from(cda).toString('base64');
  return Buffer.from(head.replace(LEADER, `$1${payload}`).replace(/\|(T\d\d-1)\|/, '|$1-F|'), 'latin1');
}

let gateway: RunningGateway;
beforeAll(async () => {
  gateway = await startGateway();
});
afterAll(() => gateway.remove());

const settled = () => until(async () => (await gateway.get('/messages?state=accepted')).body.messages.length === 0);
const status = async (id: string) => {
  const token = encodeURIComponent(`urn:ietf:rfc:3986|urn:oid:${id}`);
  return (await gateway.get(`/fhir/R4/DocumentReference?identifier=${token}`)).body.entry?.[0]?.resource.status;
};

test('a document is replaced by its author or its structure only (901); nothing is changed otherwise', async () => {
  await gateway.send(golden('hl7v2-mdm-t02'));
  await settled();
  await gateway.send(foreign('hl7v2-mdm-t10'));
  await settled();
  const { body } = await gateway.get('/messages?state=quarantined');
  const codes = body.messages.flatMap((one: any) => one.issues.map((issue: any) => issue.details.coding[0].code));
  expect(codes).toContain('document-foreign-author');
  expect(await status('1.2.250.1.999.7.2.101')).toBe('current');
  expect(await status('1.2.250.1.999.7.2.103')).toBeUndefined();

  await gateway.send(golden('hl7v2-mdm-t10'));
  await settled();
  expect(await status('1.2.250.1.999.7.2.101')).toBe('superseded');
  expect(await status('1.2.250.1.999.7.2.103')).toBe('current');
});
