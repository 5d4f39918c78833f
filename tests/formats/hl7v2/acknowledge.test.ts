import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { fault } from '../../../src/errors.ts';
import { location } from '../../../src/formats/hl7v2/acknowledge.ts';
import {
  type Answer,
  acknowledge,
  compose,
  dedupeKey,
  kind,
  read,
  sender,
  write,
} from '../../../src/formats/hl7v2/index.ts';
import { message } from './messages.ts';

const at = new Date('2024-01-15T09:30:00Z');
const answer: Answer = { code: 'AA', faults: [], controlId: 'P1', at };
const lines = (bytes: Uint8Array): string[] => Buffer.from(bytes).toString('utf8').split('\r');

describe('acknowledge', () => {
  test('an acceptance', () => {
    expect(lines(acknowledge(message(), answer))).toEqual([
      'MSH|^~\\&|PASSERELLE|CH-BETA|GAM|CH-ALPHA|20240115093000+0000||ACK^A08^ACK|P1|P|2.5^FRA^2.11|||||FRA|UNICODE UTF-8',
      'MSA|AA|MSG-1',
      '',
    ]);
    expect(acknowledge(read(message()).tree, answer)).toEqual(acknowledge(message(), answer));
  });

  test('a refusal in the separators of the request; warnings are not told', () => {
    const request = Buffer.from('MSH$*~\\%$APP$FAC$R$F$2024$$MDM*T02$7$P$2.6\r');
    const faults = [fault('hl7-event', { place: 'MSH-9.2', params: { event: 'T99', type: 'MDM', accepted: 'T02' } })];
    const [msh, msa, err] = lines(acknowledge(request, { ...answer, code: 'AR', faults }));
    expect(msh).toBe('MSH$*~\\%$R$F$APP$FAC$20240115093000+0000$$ACK*T02*ACK$P1$P$2.6$$$$$$UNICODE UTF-8');
    expect(msa).toBe('MSA$AR$7');
    expect(err).toMatch(
      /^ERR\$\$MSH\*1\*9\*1\*2\$201\*Unsupported event code\*HL70357\$E\$hl7-event\*\*passerelle\$\$\$L’événement T99/,
    );
  });

  test('bytes that are no message get what little can be said', () => {
    const [msh, msa, err] = lines(
      acknowledge(Buffer.from('hello'), { ...answer, code: 'AE', faults: [fault('hl7-not-a-message')] }),
    );
    expect(msh).toMatch(/^MSH\|\^~\\&\|\|\|\|\|20240115093000\+0000\|\|ACK\|P1\|P\|2.5/);
    expect(msa).toBe('MSA|AE|');
    expect(err).toContain('|100^Segment sequence error^HL70357|E|');
  });

  test('whatever the request holds, the answer is a message of its own making', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.boolean(), (noise, framed) => {
        const request = framed ? Buffer.concat([Buffer.from('MSH|^~\\&|'), Buffer.from(noise)]) : Buffer.from(noise);
        const bytes = acknowledge(request, { ...answer, code: 'AE', faults: [fault('hl7-not-a-message')] });
        const { tree } = read(bytes);
        expect(tree.message.type).toBe('ACK');
        expect(tree.MSA).toHaveLength(1);
        expect(tree.ERR).toHaveLength(1);
        expect(Buffer.from(bytes).includes(0x1c)).toBe(false);
        expect(Buffer.from(bytes).includes(0x0b)).toBe(false);
      }),
      { numRuns: 500 },
    );
  });

  test.each([
    ['PID-3[2].4.2', 'PID^1^3^2^4^2'],
    ['OBX[3]-5', 'OBX^3^5'],
    ['MSH-9.2', 'MSH^1^9^1^2'],
    ['PV1', 'PV1^1'],
    ['OBX[1]-5/ClinicalDocument/id', 'OBX^1^5'],
    ['/ClinicalDocument', ''],
    [undefined, ''],
  ])('place %s is location %s', (place, expected) => {
    expect(location(place, '^')).toBe(expected);
  });
});

describe('compose', () => {
  test('text, components, sub-components, repetitions and payloads', () => {
    const tree = compose([
      ['MSH', 'A', 'B', 'C', 'D', '20240115', '', ['ZAM', 'Z01', 'ZAM_Z01'], '1', 'P', '2.6'],
      ['PID', '', '', { repetitions: [['7', undefined, undefined, ['N', '1.2.3', 'ISO']], '8|9'] }],
      ['OBX', '1', 'ED', ['X'], '', [undefined, 'text', 'XML', 'Base64', Buffer.from('<a/>')], '', ''],
    ]);
    expect(Buffer.from(write(tree)).toString()).toBe(
      'MSH|^~\\&|A|B|C|D|20240115||ZAM^Z01^ZAM_Z01|1|P|2.6\rPID|||7^^^N&1.2.3&ISO~8\\F\\9\rOBX|1|ED|X||^text^XML^Base64^PGEvPg==\r',
    );
    expect(tree.PID[0]!.f3?.[1]?.text).toBe('8|9');
  });

  test('any text survives', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 40 }), (text) => {
        const { tree } = read(
          write(
            compose([
              [
                'MSH',
                'A',
                'B',
                'C',
                'D',
                '2024',
                '',
                ['ADT', 'A08'],
                '1',
                'P',
                '2.5',
                '',
                '',
                '',
                '',
                '',
                'UNICODE UTF-8',
              ],
              ['NTE', '1', '', text],
            ]),
          ),
        );
        const kept = text.replace(/[\x00-\x08\x0b-\x1f]/g, '').replace(/\r/g, '');
        expect(tree.NTE[0]!.f3?.[0]?.text ?? '').toBe(kept);
      }),
    );
  });
});

test('what the gateway wants to know first', () => {
  const bytes = message();
  const { tree } = read(bytes);
  expect(kind(tree)).toBe('ADT^A08');
  expect(sender(tree)).toBe('GAM|CH-ALPHA');
  expect(dedupeKey(tree, bytes)).toBe(dedupeKey(read(message()).tree, message()));
  const other = message('NTE|1');
  expect(dedupeKey(read(other).tree, other)).not.toBe(dedupeKey(tree, bytes));
});
