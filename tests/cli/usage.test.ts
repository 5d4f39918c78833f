import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { decodeJwt } from 'jose';
import { everyCommand } from '../../src/cli/commands.ts';
import { journalOf } from '../../src/journal/open.ts';
import { bin, inside, passerelle } from './run.ts';

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

describe('in French all of it is French', () => {
  const english = /\b(the|is|must|has|an|of|not|and|Setting|Usage:|Help:|expected|unknown)\b(?!=)/i;

  test.each([
    [['strat'], 'Commande inconnue : strat.'],
    [['token', '--client'], 'Une option attend une valeur : --client ID.'],
    [['messages', '--json=1'], 'Une option ne prend pas de valeur : --json.'],
    [['messages', '--last'], 'Option inconnue : last.'],
    [['message'], 'Un argument manque.\nUsage : npx passerelle message ID'],
    [['message', 'a', 'b'], 'Un argument de trop : b.'],
    [['convert', 'x.csv'], '(ENOENT, n’existe pas)'],
    [['messages'], 'Il n’y a pas encore de journal dans'],
  ])('%j', async (args, text) => {
    const { err } = await inside([...args, '--lang', 'fr'], { PASSERELLE_DATA: join(folder, 'nowhere') }, folder);
    expect(err).toContain(text);
    for (const line of err.split('\n').filter((one) => !/^(Usage|Aide) :/.test(one))) expect(line).not.toMatch(english);
  });

  test('the faults of a configuration, each kind of them', async () => {
    const file = join(folder, 'french.json');
    const settings = {
      http: { listen: '127.0.0.1:99999', bogus: 1 },
      log: { level: 'loud' },
      timezone: 'Mars',
      journal: 'mysql',
      limits: { workers: 'many', entries: 0 },
      doors: [
        { name: 'A', type: 'mllp' },
        { name: 'b' },
        { name: 'c', type: 'pigeon' },
        { name: 'd', type: 'mllp', tls: { cert: 'x' } },
      ],
      access: { trusted: [{ issuer: 'x' }] },
    };
    await writeFile(file, JSON.stringify(settings));
    const { code, err } = await inside(['check', '--config', file, '--lang', 'fr'], { PASSERELLE_HTPP: 'x' });
    expect(code).toBe(2);
    const lines = err.trimEnd().split('\n');
    expect(lines.length).toBeGreaterThan(9);
    for (const line of lines) {
      expect(line).toMatch(/^(erreur|avertissement) [a-z-]+ : Réglage /);
      expect(line).not.toMatch(english);
    }
    const json = JSON.parse((await inside(['check', '--json', '--config', file, '--lang', 'fr'])).out);
    expect(json.faults[0]).toMatchObject({ code: 'config-invalid', text: expect.stringMatching(/^Réglage /) });
    for (const one of json.faults) expect(typeof one.params.problem).not.toBe('object');
  });

  test('what convert refuses, on both streams', async () => {
    const file = join(folder, 'empty.json');
    await writeFile(file, '{"measures": 3}');
    const args = ['convert', file, '--route', 'telemonitoring-covidom', '--lang', 'fr'];
    const { code, out, err } = await inside(args);
    expect(code).toBe(1);
    expect(err).toMatch(/^erreur payload-invalid \[\/\w+\] : Le contenu .* : « \w+ » manque/m);
    expect(err).toContain(': attendu un objet');
    for (const one of JSON.parse(out).issue) expect(one.details.text).toMatch(/^Le contenu /);
    for (const line of err.split('\n')) expect(line).not.toMatch(english);
  });

  test('what validate found', async () => {
    const file = join(folder, 'none.json');
    await writeFile(file, '{');
    const { out } = await inside(['validate', file, '--lang', 'fr']);
    expect(out).toMatch(/: erreur \$this: Le contenu .*\(ligne 1, colonne 2\)/);
    expect(out).toContain('1 ressources, 0 valides, 1 non valides\n');
  });
});

describe('check tells at once what can be found apart', () => {
  test('a type, a port, a scope, a destination, a certificate, a map: wherever they stand', async () => {
    const file = join(folder, 'five.json');
    const mappings = join(folder, 'maps');
    await mkdir(mappings);
    await writeFile(join(mappings, 'broken.map'), 'nonsense');
    const tls = { cert: 'none.pem', key: 'none.key' };
    const settings = {
      data: 'checked',
      folders: { mappings },
      http: { listen: '127.0.0.1:99999' },
      doors: [
        { name: 'bird', type: 'pigeon' },
        { name: 'safe', type: 'mllp', listen: '127.0.0.1:0', tls },
        { name: 'Loud', type: 'mllp' },
      ],
      destinations: [{ name: 'away', type: 'nowhere' }],
      access: { clients: [{ client_id: 'gp', scopes: 'openid system/Patient.rs system/Patient.all' }] },
    };
    await writeFile(file, JSON.stringify(settings));
    const { code, out, err } = await inside(['check', '--config', file]);
    expect({ code, out }).toEqual({ code: 2, out: '' });
    for (const text of [
      'Setting http.listen: the port must be at most 65535',
      'Setting doors.bird: has the type "pigeon", and there is no such folder in src/adapters; there are care-circle,',
      'Setting doors.safe.tls.cert:',
      'Setting doors.2.name: must match',
      'Setting doors.away: has the type "nowhere"',
      'Setting access.clients.gp.scopes: "system/Patient.all" is no SMART scope',
      'File broken.map, line 1',
    ]) {
      expect(err.split(text)).toHaveLength(2);
    }
    expect(err).not.toContain('"openid"');
  });

  test('the data folder too', async () => {
    const { code, err } = await inside(['check'], {
      PASSERELLE_DATA: '/dev/null/data',
      PASSERELLE__access__clients: '[{"client_id":"a","scopes":"all"}]',
    });
    expect(code).toBe(2);
    expect(err).toContain('data-unusable');
    expect(err).toContain('"all" is no SMART scope');
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

/** A port on which nobody listens any more. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function openJournal(data: string) {
  const journal = await journalOf('sqlite', data);
  await journal.open();
  return journal;
}

describe('a data folder that cannot be made is told with the reason and what to do', () => {
  test.each([
    ['/proc/nope/data', '/proc/nope: ENOENT, no folder can be made there'],
    ['/dev/null/data', '/dev/null: ENOTDIR, it is not a folder'],
  ])('%s', async (data, reason) => {
    const environment = { PASSERELLE_DATA: data, PASSERELLE_HTTP: '127.0.0.1:0', PASSERELLE_MLLP: '127.0.0.1:0' };
    // A process of its own: what this is about is a thread that never comes back.
    for (const args of [['start'], ['token', '--client', 'x']]) {
      const { code, out, err } = await passerelle(args, { environment });
      expect({ code, out }).toEqual({ code: 2, out: '' });
      expect(err).toContain(`error data-unusable: The data folder ${data} cannot be made (${reason}). Name another by`);
    }
  });
});

describe('what cannot be reached is 3', () => {
  test.each([
    [['convert', 'none.xml'], 'file-unreadable'],
    [['validate', 'none'], 'file-unreadable'],
    [['backup', 'copy'], 'journal-absent'],
    [['messages'], 'journal-absent'],
    [['message', 'x'], 'journal-absent'],
    [['replay', 'x'], 'journal-absent'],
    [['unmapped'], 'journal-absent'],
    [['explain', 'Patient/1', '--gateway', 'http://127.0.0.1:1'], 'journal-absent'],
    [['audit', 'verify'], 'audit-absent'],
    [['send', 'mllp', 'none.hl7'], 'file-unreadable'],
  ])('%j', async (args, code) => {
    const ran = await inside(args, { PASSERELLE_DATA: join(folder, 'nowhere') }, folder);
    expect(ran.code).toBe(3);
    expect(ran.err).toContain(`error ${code}:`);
    expect(await readdir(folder)).not.toContain('nowhere');
  });
});

test('which journal it was is said, and which setting names another', async () => {
  const data = join(folder, 'nowhere');
  const { err } = await inside(['messages'], { PASSERELLE_DATA: data });
  expect(err).toContain(`There is no journal in ${data} yet. Start the gateway once`);
  expect(err).toContain('PASSERELLE_DATA (or `data` in the configuration)');
  const audit = await inside(['audit', 'verify', '--lang', 'fr'], { PASSERELLE_DATA: data });
  expect(audit.err).toMatch(/^erreur audit-absent : Il n’y a pas encore de journal d’accès dans .* PASSERELLE_DATA/);
});

test('an access log that is none, a folder that is a file', async () => {
  const data = join(folder, 'spoilt');
  await mkdir(data);
  await writeFile(join(data, 'audit.sqlite'), 'this is not a database, however long one looks at it');
  const { code, err } = await inside(['audit', 'verify'], { PASSERELLE_DATA: data });
  expect(code).toBe(3);
  expect(err).toContain(`error file-unreadable: The file ${join(data, 'audit.sqlite')} cannot be read (file is not a`);
  const copy = await inside(['backup', join(data, 'audit.sqlite')], { PASSERELLE_DATA: data });
  expect(copy.code).toBe(2);
  expect(copy.err).toContain('Not a folder: ');
});

describe('a gateway that does not answer is 3, with its address and what to do', () => {
  const ask = [['report'], ['form', 'Patient/1'], ['send', 'http', 'x.json']];
  const environment = (listen: string) => ({ PASSERELLE_DATA: join(folder, 'asking'), PASSERELLE_HTTP: listen });

  test.each(ask)('%s %s', async (...args) => {
    await writeFile(join(folder, 'x.json'), '{}');
    const given = args.filter((one) => one !== undefined);
    const free = await inside(given, environment('127.0.0.1:0'), folder);
    expect(free.code).toBe(3);
    expect(free.err).toMatch(
      /PASSERELLE_HTTP \(http.listen\) is 127.0.0.1:0: which port .* Give it by --(gateway|to) URL/,
    );
    const closed = `127.0.0.1:${await freePort()}`;
    const nobody = await inside(given, environment(closed), folder);
    expect(nobody.code).toBe(3);
    expect(nobody.err).toContain(
      `http://${closed} does not answer (ECONNREFUSED, nobody listens there). Check the address and that the server`,
    );
  });

  test('nor does something else that listens there', async () => {
    const other = createServer((request, response) => {
      response.statusCode = request.url?.includes('Task') ? 401 : 200;
      response.end('<html>hello</html>');
    });
    const url = await new Promise<string>((resolve) => {
      other.listen(0, '127.0.0.1', () => resolve(`http://127.0.0.1:${(other.address() as AddressInfo).port}`));
    });
    const form = await inside(['form', 'Patient/1', '--gateway', url], environment('127.0.0.1:0'));
    expect(form.code).toBe(3);
    expect(form.err).toContain('200: what answers is no gateway');
    const report = await inside(['report', '--table', '--gateway', url, '--lang', 'fr'], environment('127.0.0.1:0'));
    expect(report.code).toBe(3);
    other.close();
  });

  test('an address that is none is wrong usage', async () => {
    const { code, err } = await inside(['report', '--gateway', 'localhost:8080'], environment('127.0.0.1:0'));
    expect([code, err]).toEqual([2, expect.stringContaining('--gateway: expected http(s)://host:port')]);
  });

  test('send mllp to port 0', async () => {
    const { code, err } = await inside(['send', 'mllp', 'x.json'], { PASSERELLE_MLLP: '127.0.0.1:0' }, folder);
    expect([code, err]).toEqual([3, expect.stringContaining('PASSERELLE_MLLP is 127.0.0.1:0')]);
  });
});

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

describe('what is printed into something that does not take it', () => {
  const file = fileURLToPath(new URL('../golden/hl7v2-adt-a01/input.hl7', import.meta.url));
  const shell = (line: string) =>
    new Promise<{ code: number; out: string }>((resolve) => {
      const environment = { PATH: process.env.PATH, NODE: process.execPath, BIN: bin, FILE: file };
      execFile('bash', ['--norc', '-c', `set -o pipefail; ${line}`], { env: environment }, (error, stdout, stderr) => {
        resolve({ code: Number(error?.code ?? 0), out: stdout + stderr });
      });
    });

  test('a pipe that ended is no fault, of either stream', async () => {
    expect(await shell('"$NODE" "$BIN" convert "$FILE" --account 2>/dev/null | head -c 1')).toEqual({
      code: 0,
      out: '{',
    });
    // Nobody reads stderr at all: the conversion is still done.
    expect(await shell('"$NODE" "$BIN" convert "$FILE" --account 2> >(:) >/dev/null')).toEqual({ code: 0, out: '' });
  });

  test('a full disk is one: 3', async () => {
    const { code, out } = await shell('"$NODE" "$BIN" convert "$FILE" >/dev/full');
    expect({ code, out }).toEqual({ code: 3, out: expect.stringContaining('passerelle: stdout: ENOSPC') });
    expect(out).not.toMatch(/at .*\(/);
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
