import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { fault } from '../../src/errors.ts';
import type { Journal } from '../../src/journal/journal.ts';
import { journalOf } from '../../src/journal/open.ts';
import { inside } from './run.ts';

let data: string;
let journal: Journal;
let dead: string;
let delivered: string;

/** A gateway's journal that stays open, as it does while `passerelle messages` looks at it. */
beforeAll(async () => {
  data = await mkdtemp(join(tmpdir(), 'passerelle-cli-journal-'));
  journal = await journalOf('sqlite', data);
  await journal.open();
  const append = async (kind: string, receivedAt: string) => {
    const { id } = await journal.append({
      id: randomUUID(),
      incoming: { door: 'mllp', bytes: Buffer.alloc(2048) },
      state: 'accepted',
      faults: [],
      lane: randomUUID(),
      kind,
      sender: 'DPI/HOP',
      receivedAt: Date.parse(receivedAt),
    });
    return id;
  };
  delivered = await append('MDM^T02', '2026-01-15T12:00:00Z');
  dead = await append('ADT^A01', '2026-07-15T12:00:00Z');
  await journal.claim(10, 10_000);
  await journal.settle(delivered, { state: 'delivered', faults: [], references: ['Patient/1'] });
  await journal.settle(dead, {
    state: 'dead',
    faults: [fault('format-unknown', { place: 'MSH-9', detail: '400 WHAT IT SAID' })],
    references: [],
  });
});
afterAll(async () => {
  await journal.close();
  await rm(data, { recursive: true });
});

const run = (...args: string[]) => inside(args, { PASSERELLE_DATA: data });

describe('beside a gateway that runs', () => {
  test('messages lists them, newest first, in the time of Paris', async () => {
    const { code, out } = await run('messages');
    expect(code).toBe(0);
    const lines = out.split('\n');
    expect(lines[0]).toMatch(/^message +received +door +sender +content +size +state +attempts$/);
    expect(lines[2]).toMatch(new RegExp(`^${dead}  2026-07-15 14:00:00  mllp  DPI/HOP  ADT\\^A01  2.0 kB  dead +1$`));
    expect(lines[3]).toMatch(new RegExp(`^${delivered}  2026-01-15 13:00:00  .*delivered`));
  });

  test('--state and --json', async () => {
    const { out } = await run('messages', '--state', 'dead', '--json');
    expect(JSON.parse(out)).toMatchObject([{ id: dead, state: 'dead', receivedAt: '2026-07-15T12:00:00.000Z' }]);
    expect(JSON.parse((await run('messages', '--state', 'quarantined', '--json')).out)).toEqual([]);
  });

  test('message shows one, with what is wrong and where', async () => {
    const { code, out } = await run('message', dead);
    expect(code).toBe(0);
    expect(out).toContain('error format-unknown [MSH-9]:');
    expect((await run('message', delivered, '--lang', 'fr')).out).toContain('écrit: Patient/1');
    expect(JSON.parse((await run('message', delivered, '--json')).out)).toMatchObject({
      id: delivered,
      references: ['Patient/1'],
    });
  });

  test('what another server said is shown on demand only', async () => {
    for (const format of [[], ['--json']]) {
      expect((await run('message', dead, ...format)).out).not.toContain('WHAT IT SAID');
      expect((await run('message', dead, '--detail', ...format)).out).toContain('400 WHAT IT SAID');
    }
    expect((await run('message', delivered, '--detail')).out).not.toContain('undefined');
  });

  test('a terminal too narrow for the table gets a block of lines a message, nothing cut', async () => {
    const { out } = await run('messages');
    const narrow = await inside(['messages'], { PASSERELLE_DATA: data }, '/tmp', 80);
    const lines = narrow.out.split('\n');
    expect(lines.slice(0, 2)).toEqual([`message   ${dead}`, 'received  2026-07-15 14:00:00']);
    expect(lines[8]).toBe('');
    expect(lines[9]).toBe(`message   ${delivered}`);
    for (const line of lines) expect(line.length).toBeLessThanOrEqual(80);
    expect((await inside(['messages'], { PASSERELLE_DATA: data }, '/tmp', 200)).out).toBe(out);
  });

  test('what no message wrote is told as that', async () => {
    const { code, err } = await run('explain', 'Patient/nobody', '--gateway', 'http://127.0.0.1:1');
    expect(code).toBe(1);
    expect(err).toContain('error origin-unknown: No message of this journal wrote Patient/nobody.');
  });

  test('a message nobody knows: 1', async () => {
    const { code, err } = await run('message', randomUUID());
    expect(code).toBe(1);
    expect(err).toContain('message-unknown');
    expect((await run('replay', randomUUID())).code).toBe(1);
  });

  test('replay puts dead ones back, and says what changed', async () => {
    const { code, out } = await run('replay', '--state', 'dead', '--json');
    expect(code).toBe(0);
    expect(JSON.parse(out)).toEqual({
      replayed: 1,
      messages: [{ id: dead, kind: 'ADT^A01', before: 'dead', after: 'accepted' }],
    });
    expect(await journal.get(dead)).toMatchObject({ state: 'accepted' });
    expect(await journal.claim(10, 1000)).toMatchObject([{ id: dead }]);
    const table = await run('replay', delivered, '--wait', '0');
    expect(table.out).toMatch(new RegExp(`${delivered} +MDM\\^T02 +delivered +accepted`));
  });
});
