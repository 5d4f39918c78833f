import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { segment, startHospital } from './listener.ts';
import { type Mailbox, type Operator, parsed, startMailbox, startOperator } from './mailboxes.ts';
import { startRecord } from './record.ts';
import { type RunningGateway, startGateway, until } from './running.ts';

const golden = (name: string) => readFileSync(join(import.meta.dirname, '..', 'golden', name, 'input.hl7'));
const GP = 'hugo.traitant@medecin.mssante.fr';

/**
 * One document that has gone by every door out, then ZFA-9 = IO. The opposition is to the feeding of the shared record: what
 * is written to professionals and to the patient goes on, the shared record gets nothing more.
 */
let operator: Operator;
let mailbox: Mailbox;
let record: Awaited<ReturnType<typeof startRecord>>;
let hospital: Awaited<ReturnType<typeof startHospital>>;
let practice: Awaited<ReturnType<typeof startHospital>>;
let gateway: RunningGateway;

beforeAll(async () => {
  [operator, mailbox, record] = [await startOperator(), await startMailbox(), await startRecord()];
  [hospital, practice] = [await startHospital(), await startHospital()];
  const server = { host: '127.0.0.1', security: 'none' };
  gateway = await startGateway({
    PASSERELLE__retry: JSON.stringify({ firstSeconds: 0.1, maxSeconds: 0.3, giveUpHours: 1 }),
    PASSERELLE__destinations: JSON.stringify([
      {
        name: 'mss',
        type: 'mail',
        from: 'CH Alpha <cardiologie@ch-alpha.mssante.fr>',
        smtp: { ...server, port: operator.port },
        imap: { ...server, port: mailbox.port, user: 'testuser', password: 'testpass' },
      },
      { name: 'dmp', type: 'pdsm', server: { base: record.base, sourceId: 'urn:oid:1.2.250.1.999.7' } },
      { name: 'hospital', type: 'mllp-out', address: `mllp://127.0.0.1:${hospital.port}`, deliveredBy: 'dsn' },
      {
        name: 'cabinet',
        type: 'mllp-out',
        address: `mllp://127.0.0.1:${practice.port}`,
        practice: { recipients: ['899900000017'] },
      },
    ]),
  });
});
afterAll(async () => {
  await gateway?.remove();
  for (const one of [hospital, practice, record, operator]) await one?.stop();
  await new Promise<void>((resolve) => mailbox.close(resolve));
});

interface Handed {
  destination: string;
  state: string;
  issues?: { details: { coding: { code: string }[] } }[];
}

/** Waits until every message and delivery has ended; what was handed out for the newest message. */
const quiet = () =>
  until(async () => {
    const { messages } = (await gateway.get('/messages')).body;
    const all: { deliveries?: Handed[] }[] = [];
    for (const { id } of messages) all.push((await gateway.get(`/messages/${id}`)).body);
    const handed = all.flatMap(({ deliveries = [] }) => deliveries);
    const waits =
      messages.some((one: any) => one.state === 'accepted') || handed.some((one) => one.state === 'waiting');
    return !waits && { newest: all[0]!.deliveries ?? [], count: handed.length };
  });
const outside = () => [operator.taken.length, record.provides, practice.heard.length];
const told = () =>
  hospital.heard.map(
    (one) => `${segment(one, 'MSH').split('|')[8]!.slice(4, 7)} ${segment(one, 'OBX').split('|')[5]![0]}`,
  );

test('the document goes by every door', async () => {
  await gateway.send(golden('hl7v2-mdm-t02'));
  const { newest } = await quiet();
  expect(newest.map(({ state }) => state)).toEqual(newest.map(() => 'delivered'));
  expect(outside()).toEqual([2, 1, 1]);
  expect(told()).toEqual(['Z01 Y']);
});

test('ZFA-9 = IO comes later: nothing leaves by any door', async () => {
  const before = await quiet();
  await gateway.send(golden('hl7v2-adt-a01'));
  const { newest, count } = await quiet();
  expect([newest, count]).toEqual([[], before.count]);
  expect(outside()).toEqual([2, 1, 1]);
});

test('a late delivery report is told to the hospital, and sends nothing', async () => {
  const mail = operator.taken.find(({ to }) => to[0] === GP)!;
  const id = (await parsed(mail.bytes)).messageId!.replace(/[<>]/g, '');
  const part = [`Reporting-MTA: dns; mx.test`, `Original-Envelope-Id: ${id}`, '', `Final-Recipient: rfc822;${GP}`];
  mailbox.appendMessage(
    'INBOX',
    [],
    new Date(),
    [
      'From: postmaster@mx.test',
      'Message-ID: <dsn-1@mx.test>',
      'MIME-Version: 1.0',
      'Content-Type: multipart/report; report-type=delivery-status; boundary="X"',
      '',
      '--X',
      'Content-Type: message/delivery-status',
      '',
      ...part,
      'Action: delivered',
      'Status: 2.0.0',
      '',
      '--X--',
      '',
    ].join('\r\n'),
  );
  await until(async () => hospital.heard.length === 2);
  await quiet();
  expect(told()).toEqual(['Z01 Y', 'Z02 Y']);
  expect(outside()).toEqual([2, 1, 1]);
});

test('a new version: professionals and the patient get it, the shared record does not, and the dead letter says why', async () => {
  await gateway.send(golden('hl7v2-mdm-t10'));
  const { newest } = await quiet();
  expect(newest.find((one) => one.destination === 'dmp')).toMatchObject({
    state: 'dead',
    issues: [{ details: { coding: [{ code: 'share-opposed' }] } }],
  });
  await until(async () => hospital.heard.length === 3);
  expect(told().at(-1)).toBe('Z01 N');
  expect(outside()).toEqual([4, 1, 2]);
  const subjects = await Promise.all(operator.taken.slice(2).map(async ({ bytes }) => (await parsed(bytes)).subject));
  for (const one of subjects) expect(one).toMatch(/^\[Annule et remplace\] /);
});

test('the first message once more, and its replay: nothing leaves', async () => {
  const before = await quiet();
  await gateway.send(golden('hl7v2-mdm-t02'));
  const { messages } = (await gateway.get('/messages?state=delivered')).body;
  for (const { id } of messages) expect((await gateway.post(`/messages/${id}/replay`, '')).status).toBe(202);
  const { count } = await quiet();
  expect(count).toBe(before.count);
  expect(outside()).toEqual([4, 1, 2]);
});
