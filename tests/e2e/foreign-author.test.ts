import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { segment, startHospital } from './listener.ts';
import { type Operator, startOperator } from './mailboxes.ts';
import { startRecord } from './record.ts';
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
let operator: Operator;
let record: Awaited<ReturnType<typeof startRecord>>;
let hospital: Awaited<ReturnType<typeof startHospital>>;
beforeAll(async () => {
  [operator, record, hospital] = [await startOperator(), await startRecord(), await startHospital()];
  gateway = await startGateway({
    PASSERELLE__destinations: JSON.stringify([
      {
        name: 'mss',
        type: 'mail',
        from: 'CH Alpha <cardiologie@ch-alpha.mssante.fr>',
        smtp: { host: '127.0.0.1', port: operator.port, security: 'none' },
      },
      { name: 'dmp', type: 'pdsm', server: { base: record.base, sourceId: 'urn:oid:1.2.250.1.999.7' } },
      { name: 'hospital', type: 'mllp-out', address: `mllp://127.0.0.1:${hospital.port}` },
    ]),
  });
}, 60_000);
afterAll(async () => {
  await gateway?.remove();
  for (const one of [operator, record, hospital]) await one?.stop();
});

/** What the hospital heard about one of its messages: which acknowledgement, for whom, yes or no, why not. */
const heardOf = (controlId: string) =>
  hospital.heard
    .filter((one) => segment(one, 'OBX').split('|')[4] === controlId)
    .map((one) => {
      const event = segment(one, 'MSH').split('|')[8]!.slice(4, 7);
      const answer = segment(one, 'OBX').split('|')[5]![0];
      const address = /X\.400\^([^|@]+)/.exec(segment(one, 'OBX', 1))?.[1] ?? '';
      return [event, answer, segment(one, 'ERR').split('|')[5]?.split('^')[0] ?? '', address].filter(Boolean).join(' ');
    })
    .sort();
const refusedWith = (code: string) => [`Z01 N ${code}`, `Z02 N ${code} 284026912345689`, `Z02 N ${code} hugo.traitant`];
const told = (controlId: string) => until(async () => heardOf(controlId).length === 3 && heardOf(controlId));

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
  expect(await told('T10-1-F')).toEqual(refusedWith('901'));

  await gateway.send(golden('hl7v2-mdm-t10'));
  await settled();
  expect(await status('1.2.250.1.999.7.2.101')).toBe('superseded');
  expect(await status('1.2.250.1.999.7.2.103')).toBe('current');
  expect(await told('T10-1')).toEqual(['Z01 Y', 'Z02 Y 284026912345689', 'Z02 Y hugo.traitant']);
});

test('refused with a document of more than a megabyte: the hospital hears it all the same', async () => {
  const text = foreign('hl7v2-mdm-t10').toString('latin1');
  const cda = Buffer.from(LEADER.exec(text)![2]!, 'base64').toString('utf8');
  const long = cda.replace('</ClinicalDocument>', `<!-- ${'x'.repeat(1_500_000)} --></ClinicalDocument>`);
  const payload = Buffer.from(long).toString('base64');
  const message = text.replace(LEADER, `$1${payload}`).replace('T10-1-F', 'T10-1-L');
  await gateway.send(Buffer.from(message, 'latin1'));
  await settled();
  expect(await told('T10-1-L')).toEqual(refusedWith('901'));
});

/** A new version of a document, with a number of its own. */
function versionOf(parent: string, id: string, controlId: string): Buffer {
  const text = golden('hl7v2-mdm-t10').toString('latin1');
  const renamed = (one: string) =>
    one.replaceAll('1.2.250.1.999.7.2.103', id).replaceAll('1.2.250.1.999.7.2.101', parent);
  const cda = renamed(Buffer.from(LEADER.exec(text)![2]!, 'base64').toString('utf8'));
  const payload = Buffer.from(cda).toString('base64');
  return Buffer.from(renamed(text).replace(LEADER, `$1${payload}`).replace('T10-1', controlId), 'latin1');
}

test.each([
  ['an older version (900)', '1.2.250.1.999.7.2.101', '900'],
  ['a parent that never came (906)', '1.2.250.1.999.7.2.4040', '906'],
])('a new version of %s is refused, and the hospital hears that nothing went out', async (_what, parent, code) => {
  const sent = [operator.taken.length, record.provides];
  expect((await gateway.send(versionOf(parent, `1.2.250.1.999.7.2.8${code}`, `OLD-${code}`))).code).toBe('AA');
  expect(await told(`OLD-${code}`)).toEqual(refusedWith(code));
  expect(await status(`1.2.250.1.999.7.2.8${code}`)).toBeUndefined();
  expect([operator.taken.length, record.provides]).toEqual(sent);
});

test('held again by a replay: told once', async () => {
  const before = hospital.heard.length;
  const { messages } = (await gateway.get('/messages?state=quarantined')).body;
  // The foreign one bears by now the number of a document that is here: it does not take its place either.
  for (const { id } of messages) expect((await gateway.post(`/messages/${id}/replay`, '')).status).toBe(202);
  await until(async () => {
    const again = (await gateway.get('/messages?state=quarantined')).body.messages;
    return (
      again.length === messages.length && (await gateway.get('/messages?state=accepted')).body.messages.length === 0
    );
  });
  expect(hospital.heard).toHaveLength(before);
});
