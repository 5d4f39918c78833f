import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { isLoopback, parseListen } from '../../src/config/listen.ts';
import { type Config, checkAgainst, loadConfig } from '../../src/config.ts';
import { sentence } from '../../src/errors.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'passerelle-config-'));
});
afterAll(() => rm(folder, { recursive: true }));

/** Loads a configuration file with this content. */
async function load(content: unknown, environment: Record<string, string> = {}) {
  const file = join(folder, 'config.json');
  await writeFile(file, typeof content === 'string' ? content : JSON.stringify(content));
  const { config, faults } = loadConfig({ environment, cwd: '/somewhere', file });
  return { config, faults, texts: faults.map((one) => `${one.severity} ${sentence(one)}`) };
}

/** As it stands in a file: ${env:NAME}. */
const reference = (what: string) => `$\{${what}}`;

describe('without a file', () => {
  test('everything has a default, for loopback and one process', () => {
    const { config, faults } = loadConfig({ environment: {}, cwd: '/somewhere' });
    expect(faults).toEqual([]);
    expect(config).toMatchObject({
      data: '/somewhere/data',
      timezone: 'Europe/Paris',
      http: { listen: '127.0.0.1:8080' },
      doors: [
        { name: 'mllp', type: 'mllp', listen: '127.0.0.1:2575' },
        { name: 'http-in', type: 'http-in' },
        { name: 'telemonitoring', type: 'telemonitoring' },
        { name: 'pdsm', type: 'pdsm' },
        { name: 'fhir-api', type: 'fhir-api' },
      ],
      destinations: [],
      fhir: { server: 'embedded' },
      journal: 'sqlite',
      log: { level: 'info' },
      access: { issuer: { kind: 'development' }, clients: [], trusted: [] },
    });
    expect((config as Config).folders.mappings).toMatch(/\/mappings$/);
  });

  test('the environment of the outward contract is heard', () => {
    const environment = {
      PASSERELLE_DATA: 'd',
      PASSERELLE_HTTP: '127.0.0.1:0',
      PASSERELLE_MLLP: '[::1]:2600',
      PASSERELLE_FHIR: 'https://hapi.example/fhir',
      PASSERELLE_JOURNAL: 'postgres://u@h/db',
      PASSERELLE_LOG: 'debug',
      PASSERELLE_CONFIG: '',
      PATH: '/bin',
    };
    const { config, faults } = loadConfig({ environment, cwd: '/somewhere' });
    expect(faults).toEqual([]);
    expect(config).toMatchObject({
      data: '/somewhere/d',
      http: { listen: '127.0.0.1:0' },
      fhir: { server: 'https://hapi.example/fhir' },
      journal: 'postgres://u@h/db',
      log: { level: 'debug' },
    });
    expect(config?.doors[0]).toMatchObject({ type: 'mllp', listen: '[::1]:2600' });
    expect(config?.doors).toHaveLength(5);
  });
});

describe('a file', () => {
  test('is named by PASSERELLE_CONFIG, its paths are relative to it, and the environment wins', async () => {
    const settings = { data: 'd', log: { level: 'warn' }, folders: { profiles: ['p', '/q'] }, limits: { workers: 2 } };
    await writeFile(join(folder, 'named.json'), JSON.stringify(settings));
    const environment = { PASSERELLE_CONFIG: 'named.json', PASSERELLE_LOG: 'error', PASSERELLE__limits__workers: '3' };
    const { config } = loadConfig({ environment, cwd: folder });
    expect(config).toMatchObject({
      data: join(folder, 'd'),
      log: { level: 'error' },
      limits: { workers: 3 },
      folders: { profiles: [join(folder, 'p'), '/q'] },
    });
  });

  test('keeps secrets elsewhere', async () => {
    await writeFile(join(folder, 'secret'), 'Bearer abc\n');
    const settings = {
      journal: reference('env:JOURNAL'),
      fhir: { headers: { Authorization: reference('file:secret') } },
    };
    const { config } = await load(settings, { JOURNAL: 'postgres://u:p@h/db' });
    expect(config).toMatchObject({
      journal: 'postgres://u:p@h/db',
      fhir: { headers: { Authorization: 'Bearer abc' } },
    });
    expect((await load({ journal: reference('env:NONE') })).texts[0]).toBe(
      'error Setting journal: env:NONE does not exist or cannot be read. Provide it before starting.',
    );
  });

  test('all its faults are told at once, each with its setting', async () => {
    const { config, texts } = await load({
      http: { listen: '0.0.0.0:8080', bogus: 1 },
      log: { level: 'loud' },
      doors: [{ name: 'A', type: 'mllp' }, { name: 'b' }],
      journal: 'mysql',
      timezone: 'Mars',
      access: { issuer: { kind: 'own' }, trusted: [{ issuer: 'x' }] },
    });
    expect(config).toBeUndefined();
    for (const start of [
      'error Setting http: has no setting called "bogus"',
      'error Setting log.level: must be one of fatal',
      'error Setting doors.0.name: must match',
      'error Setting doors.1: lacks "type"',
      'error Setting journal: must match',
      'error Setting access.trusted.0: must have exactly one of jwks, jwks_uri',
      'error Setting timezone: Mars is no IANA time zone',
    ]) {
      expect(texts.filter((text) => text.startsWith(start))).toHaveLength(1);
    }
  });

  test.each([
    ['{', 'it is not valid JSON at line 1, column 2'],
    ['', 'it is not valid JSON at line 1, column 1'],
    ['{\n  "data": "x",\n  "http": {,\n}', 'it is not valid JSON at line 3, column 12'],
    ['{ "a": [1, 2.5e3, "\\u00e9", {}, []],\n  data: "x" }', 'it is not valid JSON at line 2, column 3'],
    ['{ "a": tru }', 'it is not valid JSON at line 1, column 8'],
    ['{ "a": 1, }', 'it is not valid JSON at line 1, column 11'],
    ['{}\n\n}', 'it is not valid JSON at line 3, column 1'],
    ['// none\n{}', 'it is not valid JSON at line 1, column 1'],
    ['[]', 'it must hold one JSON object'],
  ])('%j is none', async (content, reason) => {
    const { faults, texts } = await load(content);
    expect(faults).toMatchObject([{ code: 'config-unreadable' }]);
    expect(texts[0]).toContain(` cannot be read: ${reason}. Correct it`);
  });

  test('that is not there is said to be so', () => {
    const { faults } = loadConfig({ environment: {}, cwd: folder, file: 'none.json' });
    expect(faults).toMatchObject([{ code: 'config-unreadable', params: { reason: 'ENOENT' } }]);
  });
});

describe('what must not be reached from elsewhere unprotected', () => {
  const codes = async (settings: object) => (await load(settings)).faults.map((one) => one.code);

  test('an address beyond loopback needs TLS and an issuer of its own', async () => {
    expect(await codes({ http: { listen: '0.0.0.0:8080' } })).toEqual(['listener-exposed', 'issuer-development']);
    expect(await codes({ http: { listen: '[::]:8080' } })).toEqual(['listener-exposed', 'issuer-development']);
    expect(await codes({ doors: [{ name: 'm', type: 'mllp', listen: '10.0.0.1:2575' }] })).toEqual([
      'listener-exposed',
    ]);
    await writeFile(join(folder, 'pem'), '');
    const tls = { cert: 'pem', key: 'pem' };
    expect(await codes({ http: { listen: '0.0.0.0:8080', tls } })).toEqual(['issuer-development']);
    const access = { issuer: { kind: 'own', url: 'https://x.example', keys: 'pem' } };
    expect(await codes({ http: { listen: '0.0.0.0:8080', tls }, access })).toEqual([]);
    expect(await codes({ http: { listen: '0.0.0.0:8080', tls: { ...tls, key: 'none' } }, access })).toEqual([
      'config-reference-missing',
    ]);
  });

  test('keys are not fetched in clear', async () => {
    const client = (jwks_uri: string) => ({ access: { clients: [{ client_id: 'c', scopes: 's', jwks_uri }] } });
    expect(await codes(client('http://keys.example/jwks'))).toEqual(['config-invalid']);
    expect(await codes(client('https://keys.example/jwks'))).toEqual([]);
    expect(await codes(client('http://127.0.0.1:9/jwks'))).toEqual([]);
  });

  test('a private key does not belong into the configuration', async () => {
    const jwks = { keys: [{ kty: 'EC', d: 'x' }] };
    expect(await codes({ access: { clients: [{ client_id: 'c', scopes: 's', jwks }] } })).toEqual(['config-invalid']);
  });

  test.each([
    ['127.0.0.1', true],
    ['127.1.2.3', true],
    ['localhost', true],
    ['::1', true],
    ['0.0.0.0', false],
    ['::', false],
    ['128.0.0.1', false],
    ['127.0.0.1.example.com', false],
    ['localhost.example.com', false],
  ])('%s is loopback: %s', (host, expected) => {
    expect(isLoopback(host)).toBe(expected);
  });

  test.each(['127.0.0.1', ':80', '127.0.0.1:70000', '::1:80', 'a b:80', '127.0.0.1:'])('%s is no address', (text) => {
    expect(parseListen(text)).toBeUndefined();
  });
});

test('a slip of the pen in a variable is a warning, a path that leads into objects’ own properties a fault', () => {
  const result = loadConfig({ environment: { PASSERELLE_HTPP: 'x' }, cwd: folder });
  expect(result.config).toBeDefined();
  expect(result.faults).toMatchObject([{ severity: 'warning', params: { setting: 'PASSERELLE_HTPP' } }]);
  const { config, faults } = loadConfig({ environment: { PASSERELLE____proto____polluted: '1' }, cwd: folder });
  expect(config).toBeUndefined();
  expect(faults).toMatchObject([{ severity: 'error', code: 'config-invalid' }]);
  expect({}).not.toHaveProperty('polluted');
});

test('two doors of one name, two clients of one id', async () => {
  const door = { name: 'a', type: 'x' };
  const client = { client_id: 'c', scopes: 's' };
  const { faults } = await load({ doors: [door], destinations: [door], access: { clients: [client, client] } });
  expect(faults.map((one) => one.params?.setting)).toEqual(['doors.a', 'access.clients[1].client_id']);
});

test('PASSERELLE_MLLP adds a door where there is none', async () => {
  const { config } = await load({ doors: [{ name: 'in', type: 'http-in' }] }, { PASSERELLE_MLLP: '127.0.0.1:0' });
  expect(config?.doors).toEqual([
    { name: 'in', type: 'http-in' },
    { name: 'mllp', type: 'mllp', listen: '127.0.0.1:0' },
  ]);
});

test('a door’s own schema fills in its defaults and names its settings', () => {
  const schema = { type: 'object', properties: { wait: { type: 'number', default: 60 } }, additionalProperties: false };
  const value: Record<string, unknown> = {};
  expect(checkAgainst(schema, value, 'doors.x')).toEqual([]);
  expect(value).toEqual({ wait: 60 });
  expect(checkAgainst(schema, { wait: 'x', y: 1 }, 'doors.x').map((one) => one.params?.setting)).toEqual([
    'doors.x',
    'doors.x.wait',
  ]);
});
