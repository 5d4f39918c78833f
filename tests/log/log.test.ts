import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { fault, PasserelleError } from '../../src/errors.ts';
import { createLog } from '../../src/log.ts';
import { identitiesOfTests, linesThatTell } from './identities.ts';

function logging(level = 'info') {
  const lines: string[] = [];
  const log = createLog({ level, stream: { write: (line) => void lines.push(line) } });
  return { log, lines, last: () => JSON.parse(lines.at(-1) as string) as Record<string, unknown> };
}

describe('the log', () => {
  test('tells ids, codes, counts and addresses', () => {
    const { log, last } = logging();
    log.info({ door: 'mllp', address: '127.0.0.1:2575', bytes: 12, ok: true, addresses: ['a:1', 'b:2'] }, 'listening');
    expect(last()).toEqual({
      level: 'info',
      time: expect.any(String),
      door: 'mllp',
      address: '127.0.0.1:2575',
      bytes: 12,
      ok: true,
      addresses: ['a:1', 'b:2'],
      msg: 'listening',
    });
  });

  test('leaves out what it does not know', () => {
    const { log, lines } = logging();
    const patient = { resourceType: 'Patient', name: [{ family: 'MARTIN' }], identifier: { value: '255069999999999' } };
    log.info(
      { patient, family: 'MARTIN', list: ['MARTIN'], nested: { id: 'MARTIN', count: 3 }, when: new Date(0) },
      'seen',
    );
    log.child({ family: 'MARTIN', who: patient }).warn({ deep: { patient } }, 'seen by a child');
    log.info('found %s and %o', 'MARTIN', patient);
    log.info(
      { path: '/fhir/R4/Patient?family=MARTIN', url: 'https://user:MARTIN@host/x', place: 'PID-3 255069999999999' },
      'asked',
    );
    expect(lines.join('')).not.toMatch(/MARTIN|255069/);
    expect(lines.join('')).toContain('"nested":{"count":3}');
  });

  test('of an error it tells the kind; message, stack and private detail only at debug', () => {
    const error = new PasserelleError(fault('internal', { detail: 'MARTIN', params: { reference: 'r' } }), {
      cause: Object.assign(new Error('MARTIN'), { code: 'ECONNREFUSED', syscall: 'connect' }),
    });
    const { log, lines, last } = logging();
    log.error({ err: error }, 'failed');
    expect(last().err).toEqual({
      type: 'PasserelleError',
      faults: [{ code: 'internal', severity: 'error', params: { reference: 'r' } }],
      cause: { type: 'Error', code: 'ECONNREFUSED', syscall: 'connect' },
    });
    log.error(new SyntaxError('Unexpected token MARTIN'));
    log.error({ err: new Error('MARTIN') });
    expect(lines.join('')).not.toMatch(/MARTIN|log\.test\.ts/);

    const debugging = logging('debug');
    debugging.log.debug({ err: error }, 'failed');
    expect(debugging.lines[0]).toContain('MARTIN');
    expect(debugging.lines[0]).toContain('log.test.ts');
  });

  test('faults are told by code and place', () => {
    const { log, last } = logging();
    log.info({ faults: [fault('format-unknown', { place: 'PID-3', detail: 'MARTIN' })] }, 'refused');
    expect(last().faults).toEqual([{ code: 'format-unknown', severity: 'error', place: 'PID-3' }]);
  });
});

describe('the look through all log lines of a test run', () => {
  test('knows whom the tests are about, and finds them as whole words', () => {
    const identities = identitiesOfTests();
    for (const one of [
      'MARTIN-TEST',
      'Odile',
      '258046938104580',
      '8100931',
      '12 rue des Essais',
      'DEHORS',
      '1991-11-30',
    ]) {
      expect([one, identities.has(one)]).toEqual([one, true]);
    }
    const lines = [
      '{"level":"info","msg":"seen Odile"}',
      '{"level":"info","path":"/x/258046938104580"}',
      '{"level":"info","id":"8100931a","msg":"Odiles"}',
      '{"level":"debug","msg":"MARTIN-TEST"}',
    ];
    expect(linesThatTell(lines, identities)).toEqual(lines.slice(0, 2));
  });

  test('gets every line of a log made in a test', () => {
    const folder = process.env.LOG_COPIES as string;
    logging().log.info({ id: 'copied-here' }, 'kept');
    expect(readFileSync(join(folder, `${process.pid}.log`), 'utf8')).toContain('copied-here');
  });
});
