import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { decodeJwt } from 'jose';
import { everyCommand } from '../../src/cli/commands.ts';
import { journalOf } from '../../src/journal/open.ts';
import { inside, passerelle } from './run.ts';

const commands = await everyCommand();

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'passerelle-cli-'));
});
afterAll(() => rm(folder, { recursive: true }));

describe('help', () => {
  test('an empty LC_ALL is none', async () => {
    const { out } = await inside(['--help'], { LC_ALL: '', LC_MESSAGES: '', LANG: 'fr_FR.UTF-8' });
    expect(out).toContain('Codes de sortie');
  });

  test('without a command: all of them, and the exit codes', async () => {
    const { code, out } = await passerelle([]);
    expect(code).toBe(0);
    for (const { name } of commands) expect(out).toMatch(new RegExp(`^  ${name} `, 'm'));
    expect(out).toContain('0 done');
  });

  test.each(commands.map((one) => one.name))('%s: what it does, its options, an example', async (name) => {
    const command = commands.find((one) => one.name === name);
    const [english, french] = await Promise.all([inside([name, '--help']), inside([name, '--help', '--lang', 'fr'])]);
    expect([english.code, french.code]).toEqual([0, 0]);
    expect(english.out).toContain(`Example: npx passerelle ${command?.example}`);
    expect(french.out).toContain(`Exemple : npx passerelle ${command?.example}`);
    expect(french.out.split('\n')[0]).toBe(command?.summary.fr);
    for (const option of command?.options ?? []) expect(english.out).toContain(`--${option.name}`);
  });

  test('speaks French when LANG does', async () => {
    expect((await passerelle(['--help'], { environment: { LANG: 'fr_FR.UTF-8' } })).out).toContain('Codes de sortie');
    expect((await passerelle(['--lang=en', '--help'], { environment: { LANG: 'fr_FR.UTF-8' } })).out).toContain(
      'Exit codes',
    );
  });

  test('every command of the outward contract is there', () => {
    const names = [
      'start',
      'check',
      'demo',
      'convert',
      'validate',
      'send',
      'messages',
      'message',
      'replay',
      'explain',
      'unmapped',
      'preview',
      'form',
      'report',
      'access',
      'token',
      'audit',
      'backup',
      'bench',
    ];
    expect(commands.map((one) => one.name)).toEqual(names);
  });
});

describe('wrong usage is 2, and says how it is done', () => {
  test.each([
    [['strat'], 'Unknown command: strat. Commands: start, check'],
    [['convert'], 'Usage: npx passerelle convert FILE'],
    [['message', 'a', 'b'], 'Usage: npx passerelle message ID'],
    [['start', '--port', '1'], 'Unknown option: port. Options: --config'],
    [['token', '--client'], 'An option lacks its value: --client ID.\nUsage: npx passerelle token --client ID'],
    [
      ['messages', '--limit', '--json'],
      'An option lacks its value: --limit N.\nUsage: npx passerelle messages [--state',
    ],
    [['messages', '--json=1'], 'An option takes no value: --json.'],
    [['messages', '--last'], 'Unknown option: last. Options: --state, --limit, --json, --config, --lang, --help.'],
    [['messages', '-n', '5'], 'Unknown option: n. Options: --state'],
    [['message', 'a', 'b'], 'An argument too many: b.\nUsage: npx passerelle message ID'],
    [['messages', '--lang'], '--lang: fr or en.'],
    [['messages', '--lang', 'de'], '--lang: fr or en.'],
    [['token'], '--client is needed'],
    [['token', '--client', 'x', '--ttl', 'soon'], '--ttl: expected a whole number'],
    [['messages', '--state', 'lost'], '--state: one of accepted, delivered'],
    [['replay'], 'Give message ids, or --state'],
    [['send', 'pigeon', 'x'], 'send mllp or send http'],
    [['explain', 'patient'], 'Expected: TYPE/ID'],
    [
      ['preview', 'config.json'],
      'Expected: a file of mappings/ (NAME.map, codes-NAME.json, routes.json), not config.json.',
    ],
    [['bench', 'nothing'], 'Unknown benchmark: nothing'],
    [['report', '--from', 'hier', '--to', '2020-11-15'], '--from: expected a day'],
    [['report', '--from', '2020-11-15', '--to', '2020-11-01'], '--from is after --to'],
    [['report', '--from', '2020-02-30', '--to', '2020-11-01'], '--from: expected a day'],
    [['validate'], 'Usage: npx passerelle validate FILE|DIR…'],
  ])('%j', async (args, text) => {
    const { code, out, err } = await inside(args, { PASSERELLE_DATA: folder });
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toContain(text);
    expect(err).not.toMatch(/\.ts:\d|at .*\(/);
  });

  test('so is a configuration with faults: all of them are told', async () => {
    const file = join(folder, 'bad.json');
    await writeFile(file, JSON.stringify({ http: { listen: '0.0.0.0:1' }, log: { level: 'loud' }, journal: 'mysql' }));
    for (const args of [['start'], ['check'], ['messages']]) {
      const { code, out, err } = await inside([...args, '--config', file]);
      expect({ code, out }).toEqual({ code: 2, out: '' });
      for (const setting of ['log.level', 'journal', 'http.listen']) expect(err).toContain(`Setting ${setting}`);
    }
    const json = await inside(['check', '--json', '--config', file]);
    expect(json.code).toBe(2);
    expect(JSON.parse(json.out)).toMatchObject({
      ok: false,
      faults: expect.arrayContaining([expect.objectContaining({ code: 'listener-exposed' })]),
    });
  });
});

test.each([
  [['--help'], 0],
  [['strat'], 2],
  [['convert', 'none.xml'], 3],
  [['message', '0'], 1],
])('as a process: %j ends with %d', async (args, expected) => {
  if (expected === 1) await (await openJournal(folder)).close();
  const { code, out, err } = await passerelle(args, { environment: { PASSERELLE_DATA: folder } });
  expect(code).toBe(expected);
  expect(expected === 0 ? err : out).toBe('');
});

async function openJournal(data: string) {
  const journal = await journalOf('sqlite', data);
  await journal.open();
  return journal;
}

describe('token', () => {
  const environment = () => ({ PASSERELLE_DATA: join(folder, 'data') });

  test('prints a token and nothing else', async () => {
    const { code, out, err } = await passerelle(
      ['token', '--client', 'gp', '--scope', 'user/*.rs', '--practitioner', '10003456789', '--ttl', '60'],
      {
        environment: environment(),
      },
    );
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+\n$/);
    const { exp = 0, iat = 0, ...claims } = decodeJwt(out.trim());
    expect(exp - iat).toBe(60);
    expect(claims).toMatchObject({ client_id: 'gp', sub: '10003456789', scope: 'user/*.rs', rpps: '10003456789' });
  });

  test('says which scope opens nothing', async () => {
    const { code, err } = await passerelle(['token', '--client', 'gp', '--scope', 'launch system/Patient.all'], {
      environment: environment(),
    });
    expect(code).toBe(0);
    expect(err).toBe('scope not understood, it opens nothing: system/Patient.all\n');
  });
});

test('a folder with nothing to judge is told to be so', async () => {
  const empty = join(folder, 'empty');
  await mkdir(empty);
  const { code, out, err } = await inside(['validate', empty]);
  expect({ code, out }).toEqual({ code: 0, out: '0 resources, 0 valid, 0 invalid\n' });
  expect(err).toBe('Nothing to judge: no .json, .xml or .ndjson file.\n');
});

test('the version is that of the package', async () => {
  expect((await passerelle(['--version'])).out).toMatch(/^passerelle \d+\.\d+\.\d+\n$/);
});
