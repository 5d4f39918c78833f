import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { type Listener, startListener } from '../../src/cli/demo/counterparts.ts';
import { startRecord } from './record.ts';
import { type RunningGateway, startGateway, until } from './running.ts';

const golden = (name: string) => readFileSync(join(import.meta.dirname, '..', 'golden', name, 'input.hl7'));
const LEADER = /(\^Base64\^)([A-Za-z0-9+/=]{200,})/;
type Change = (text: string) => string;

/** The document message with ids of its own; `change` alters message and CDA alike, `head` the message alone. */
function variant(number: number, change: Change = (text) => text, head: Change = (text) => text): Buffer {
  const id = `1.2.250.1.999.7.2.${7000 + number}`;
  const text = golden('hl7v2-mdm-t02').toString('latin1');
  const renamed = (one: string) => change(one.replaceAll('1.2.250.1.999.7.2.101', id));
  const cda = renamed(Buffer.from(LEADER.exec(text)![2]!, 'base64').toString('utf8'));
  const payload = Buffer.from(cda, 'utf8').toString('base64');
  return Buffer.from(head(renamed(text).replace(LEADER, `$1${payload}`)).replace('T02-1', `SHARE-${number}`), 'latin1');
}

describe('the hospital hears whether the shared record took its document (ZAM^Z01)', () => {
  let record: Awaited<ReturnType<typeof startRecord>>;
  let hospital: Listener;
  let gateway: RunningGateway;

  beforeAll(async () => {
    record = await startRecord();
    hospital = await startListener();
    const server = { base: record.base, sourceId: 'urn:oid:1.2.250.1.999.7', timeoutSeconds: 1 };
    gateway = await startGateway({
      PASSERELLE__retry: JSON.stringify({ firstSeconds: 0.1, maxSeconds: 0.3, giveUpHours: 1 }),
      PASSERELLE__destinations: JSON.stringify([
        { name: 'dmp', type: 'pdsm', server },
        { name: 'hospital', type: 'mllp-out', address: hospital.address },
      ]),
    });
  });
  beforeEach(() => {
    record.provides = 0;
    hospital.heard.length = 0;
  });
  afterAll(async () => {
    await gateway?.remove();
    await hospital.stop();
    await record.stop();
  });

  /** Sends, and waits for the one business acknowledgement. */
  const told = async (message: Buffer) => {
    await gateway.send(message);
    await until(async () => hospital.heard.length > 0, 40);
    const [text = ''] = hospital.heard;
    const of = (name: string) => text.split('\r').find((one) => one.startsWith(name)) ?? '';
    expect(hospital.heard).toHaveLength(1);
    return [of('MSH').split('|')[8], of('OBX'), of('ERR')];
  };
  const answer = (number: number, yes: 'Y' | 'N') =>
    `OBX|1|CWE|ACK_RECEPTION_DMP^Accusé de réception DMP^AckMetierZAM|SHARE-${number}|${yes}^^expandedYes-NoIndicator||||||F`;
  const error = (code: string) => `ERR|||207^Application internal error^HL70357|E|${code}`;

  test('taken: Y', async () => {
    expect(await told(variant(1))).toEqual(['ZAM^Z01^ZAM_Z01', answer(1, 'Y'), '']);
    expect(record.provides).toBe(1);
  });

  test('closed: N with the record’s own code', async () => {
    const issue = [{ severity: 'error', code: 'processing', details: { coding: [{ code: 'DMPClosed' }] } }];
    record.answer = [422, { resourceType: 'OperationOutcome', issue }];
    expect(await told(variant(2))).toEqual([
      'ZAM^Z01^ZAM_Z01',
      answer(2, 'N'),
      error('DMPClosed^DMP fermé^DMPERRORCODE'),
    ]);
  });

  test('refused without a code we know: N, 906', async () => {
    record.answer = [400];
    expect((await told(variant(3)))[2]).toBe(error('906^^applicationErrorCondition'));
  });

  test.each<[number, string, 'silent' | [number]]>([
    [11, '500', [500]],
    [12, 'silence', 'silent'],
    [13, '504', [504]],
  ])('%i: %s after storing: looked for, not sent again, Y', async (number, _name, how) => {
    record.answer = how;
    expect((await told(variant(number)))[1]).toBe(answer(number, 'Y'));
    expect(record.provides).toBe(1);
  });

  test('an identity that is not qualified: nothing is sent, N, 903', async () => {
    const other: Change = (text) =>
      text
        .replaceAll('284026912345689', '185057800608436')
        .replaceAll('MARTIN-TEST', 'INCONNU-TEST')
        .replaceAll('770001', '770099');
    const found = await told(variant(4, other, (text) => text.replace('||VALI|', '||PROV|')));
    expect(found.slice(1)).toEqual([answer(4, 'N'), error('903^^applicationErrorCondition')]);
    expect(record.provides).toBe(0);
  });

  test('ZFA-9 = IO after sending: triggers nothing; what comes then is not sent, N; INO opens again', async () => {
    const opposed = golden('hl7v2-adt-a01').toString('latin1');
    await gateway.send(Buffer.from(opposed, 'latin1'));
    await until(async () => (await gateway.get('/messages?state=accepted')).body.messages.length === 0);
    expect([record.provides, hospital.heard]).toEqual([0, []]);
    expect((await told(variant(5))).slice(1)).toEqual([answer(5, 'N'), error('906^^applicationErrorCondition')]);
    expect(record.provides).toBe(0);

    hospital.heard.length = 0;
    const again = opposed
      .replace('|IO|20240115103000|', '|INO|20240301103000|')
      .replace(/(\|ADT\^A01\^ADT_A01\|)[^|]+/, '$1OPEN-1');
    await gateway.send(Buffer.from(again.replace('|20240115103000', '|20240301103000'), 'latin1'));
    await until(async () => (await gateway.get('/messages?state=accepted')).body.messages.length === 0);
    expect((await told(variant(6)))[1]).toBe(answer(6, 'Y'));
  });
});
