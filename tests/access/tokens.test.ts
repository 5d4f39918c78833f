import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { base64url, type CryptoKey, exportJWK, generateKeyPair, SignJWT } from 'jose';
import { mintToken, openAccess } from '../../src/access/index.ts';
import { openKeys } from '../../src/access/keys.ts';
import { createVerifier } from '../../src/access/verifier.ts';
import { type Config, loadConfig } from '../../src/config.ts';

let folder: string;
let config: Config;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'passerelle-tokens-'));
  config = loadConfig({ environment: { PASSERELLE_DATA: join(folder, 'data') }, cwd: folder }).config as Config;
});
afterAll(() => rm(folder, { recursive: true }));

/** A token of the development issuer with claims and header as given. */
async function forge(claims: object, { header = {}, key }: { header?: object; key?: CryptoKey } = {}): Promise<string> {
  const { signing } = (await openKeys(config.data, config.access)) as NonNullable<Awaited<ReturnType<typeof openKeys>>>;
  const now = Math.floor(Date.now() / 1000);
  const usual = {
    iss: 'urn:passerelle:development',
    aud: 'urn:passerelle',
    sub: 'c',
    client_id: 'c',
    exp: now + 60,
    iat: now,
  };
  return new SignJWT({ ...usual, scope: 'system/*.rs', ...claims })
    .setProtectedHeader({ alg: 'ES256', kid: signing.kid, typ: 'at+jwt', ...header })
    .sign((key ?? signing.key) as CryptoKey);
}

const verify = async (token: string) => createVerifier(config, await openKeys(config.data, config.access))(token);

describe('the development issuer', () => {
  test('mints what it verifies', async () => {
    const token = await mintToken(config, {
      clientId: 'gp',
      scope: 'user/*.rs',
      practitioner: '10003456789',
      patient: 'p1',
    });
    const caller = await verify(token as string);
    expect(caller).toMatchObject({
      clientId: 'gp',
      subject: '10003456789',
      practitioner: '10003456789',
      patient: 'p1',
      scopes: [{ context: 'user', type: '*', permissions: 'rs', query: [] }],
    });
  });

  test('gives an unknown client everything, a configured one its own, a professional the user’s', async () => {
    const known = structuredClone(config);
    known.access.clients.push({ client_id: 'lab', scopes: 'system/Observation.c' });
    const scopeOf = async (request: Parameters<typeof mintToken>[1]) => {
      const caller = await verify((await mintToken(known, request)) as string);
      return caller?.scopes.map((one) => `${one.context}/${one.type}.${one.permissions}`);
    };
    expect(await scopeOf({ clientId: 'anyone' })).toEqual(['system/*.cruds']);
    expect(await scopeOf({ clientId: 'lab' })).toEqual(['system/Observation.c']);
    expect(await scopeOf({ clientId: 'gp', practitioner: '1' })).toEqual(['user/*.cruds']);
    expect(await scopeOf({ clientId: 'gp', scope: '' })).toEqual([]);
  });

  test('keeps its key to itself and makes it once', async () => {
    const racing = structuredClone(config);
    racing.data = join(folder, 'racing');
    const keys = await Promise.all(Array.from({ length: 8 }, () => openKeys(racing.data, racing.access)));
    expect(new Set(keys.map((one) => one?.signing.kid)).size).toBe(1);
    expect(await readdir(racing.data)).toEqual(['issuer-keys.json']);
    expect((await stat(join(racing.data, 'issuer-keys.json'))).mode & 0o777).toBe(0o600);
    expect((await stat(racing.data)).mode & 0o077).toBe(0);
    expect(JSON.stringify(keys[0]?.jwks)).not.toContain('"d"');
  });

  test('refuses a key file that others can read, and one that holds no key', async () => {
    const exposed = structuredClone(config);
    exposed.data = join(folder, 'exposed');
    await openKeys(exposed.data, exposed.access);
    const file = join(exposed.data, 'issuer-keys.json');
    await chmod(file, 0o640);
    await expect(openKeys(exposed.data, exposed.access)).rejects.toMatchObject({ faults: [{ code: 'key-exposed' }] });
    await chmod(file, 0o600);
    for (const content of [
      '',
      '{}',
      '{"keys":[]}',
      '{"keys":[{"kty":"RSA"}]}',
      '{"keys":[{"kty":"EC","crv":"P-256"}]}',
    ]) {
      await writeFile(file, content);
      await expect(openKeys(exposed.data, exposed.access)).rejects.toMatchObject({
        faults: [{ code: 'key-unusable' }],
      });
    }
  });
});

describe('own keys are rotated without interruption', () => {
  test('the first signs, tokens of the second still count', async () => {
    const pair = async () => exportJWK((await generateKeyPair('ES384', { extractable: true })).privateKey);
    const [old, fresh] = [await pair(), await pair()];
    const keys = join(folder, 'own.json');
    const own = structuredClone(config);
    own.access.issuer = { kind: 'own', url: 'https://passerelle.example', keys, tokenSeconds: 60, refreshSeconds: 600 };
    await writeFile(keys, JSON.stringify({ keys: [old] }), { mode: 0o600 });
    const before = (await mintToken(own, { clientId: 'a' })) as string;
    await writeFile(keys, JSON.stringify({ keys: [fresh, old] }), { mode: 0o600 });
    const after = (await mintToken(own, { clientId: 'a' })) as string;
    const check = createVerifier(own, await openKeys(own.data, own.access));
    expect(await check(before)).toBeDefined();
    expect(await check(after)).toBeDefined();
    await writeFile(keys, JSON.stringify({ keys: [fresh] }), { mode: 0o600 });
    const later = createVerifier(own, await openKeys(own.data, own.access));
    expect(await later(before)).toBeUndefined();
    expect(await later(after)).toBeDefined();
    expect(await verify(after)).toBeUndefined();
  });
});

describe('a token that does not count', () => {
  const now = Math.floor(Date.now() / 1000);
  test.each([
    ['expired', { exp: now - 60 }],
    ['not yet valid', { nbf: now + 600 }],
    ['for another audience', { aud: 'urn:elsewhere' }],
    ['of another issuer', { iss: 'urn:passerelle:other' }],
    ['without an end', { exp: undefined }],
    ['of nobody', { sub: undefined, client_id: undefined }],
  ])('%s', async (_, claims) => {
    expect(await verify(await forge({}))).toBeDefined();
    expect(await verify(await forge(claims))).toBeUndefined();
  });

  test('signed with another key', async () => {
    const { privateKey } = await generateKeyPair('ES256');
    expect(await verify(await forge({}, { key: privateKey as CryptoKey }))).toBeUndefined();
    expect(await verify(await forge({}, { header: { kid: 'unknown' } }))).toBeUndefined();
  });

  test('of another kind: an assertion or an id token is no access token', async () => {
    expect(await verify(await forge({}, { header: { typ: 'JWT' } }))).toBeUndefined();
  });

  test('unsigned, or signed with the public key as a secret', async () => {
    const [, payload] = (await forge({})).split('.') as [string, string, string];
    const none = base64url.encode(JSON.stringify({ alg: 'none', typ: 'at+jwt' }));
    expect(await verify(`${none}.${payload}.`)).toBeUndefined();
    const keys = await openKeys(config.data, config.access);
    const secret = new TextEncoder().encode(JSON.stringify(keys?.jwks.keys[0]));
    const hmac = new SignJWT(JSON.parse(Buffer.from(payload, 'base64url').toString())).setProtectedHeader({
      alg: 'HS256',
      typ: 'at+jwt',
    });
    expect(await verify(await hmac.sign(secret))).toBeUndefined();
  });

  test('changed after it was signed', async () => {
    const [header, payload, signature] = (await forge({ scope: 'system/Patient.r' })).split('.') as [
      string,
      string,
      string,
    ];
    const wider = Buffer.from(payload, 'base64url').toString().replace('system/Patient.r', 'system/*.cruds');
    expect(await verify(`${header}.${Buffer.from(wider).toString('base64url')}.${signature}`)).toBeUndefined();
  });

  test.each(['', 'x', 'a.b.c', '..', 'e30.e30.e30', 'x'.repeat(10_000)])('nonsense %#', async (token) => {
    expect(await verify(token)).toBeUndefined();
  });

  test('is refused although it was good a moment ago', async () => {
    const check = createVerifier(config, await openKeys(config.data, config.access));
    const token = await forge({ exp: Math.floor(Date.now() / 1000) - 3 });
    expect(await check(token)).toBeDefined();
    const past = await forge({ exp: Math.floor(Date.now() / 1000) - 10 });
    expect(await check(past)).toBeUndefined();
  });
});

describe('another issuer that is trusted', () => {
  test('its tokens count, with its algorithms and its audience only', async () => {
    const { privateKey, publicKey } = await generateKeyPair('RS384', { extractable: true });
    const trusting = structuredClone(config);
    trusting.access.trusted.push({
      issuer: 'https://psc.example',
      audience: 'passerelle',
      jwks: { keys: [await exportJWK(publicKey)] },
      algorithms: ['RS384'],
    });
    const check = createVerifier(trusting, await openKeys(trusting.data, trusting.access));
    const token = (alg: string, aud: string) =>
      new SignJWT({ client_id: 'gp', scope: 'user/*.rs' })
        .setProtectedHeader({ alg })
        .setIssuer('https://psc.example')
        .setAudience(aud)
        .setExpirationTime('1m')
        .sign(privateKey);
    expect(await check(await token('RS384', 'passerelle'))).toMatchObject({
      clientId: 'gp',
      issuer: 'https://psc.example',
    });
    expect(await check(await token('RS384', 'urn:passerelle'))).toBeUndefined();
    expect(await verify(await token('RS384', 'passerelle'))).toBeUndefined();
  });
});

test('without an issuer nothing is minted and no key is made', async () => {
  const none = structuredClone(config);
  none.data = join(folder, 'none');
  none.access.issuer.kind = 'none';
  const access = await openAccess(none);
  expect(access.issuer).toBeUndefined();
  expect(await mintToken(none, { clientId: 'x' })).toBeUndefined();
  await expect(readFile(join(none.data, 'issuer-keys.json'))).rejects.toThrow('ENOENT');
  access.close();
});

test.each(['RS384', 'ES256'])('own keys may be %s', async (alg) => {
  const { privateKey } = await generateKeyPair(alg, { extractable: true });
  const keys = join(folder, `${alg}.json`);
  await writeFile(keys, JSON.stringify({ keys: [await exportJWK(privateKey)] }), { mode: 0o600 });
  const own = structuredClone(config);
  own.access.issuer = { kind: 'own', url: 'https://passerelle.example', keys, tokenSeconds: 60, refreshSeconds: 600 };
  const token = (await mintToken(own, { clientId: 'a', scope: 'system/Patient.r' })) as string;
  const access = await openAccess(own);
  try {
    expect(await access.verify(token)).toMatchObject({ clientId: 'a' });
    expect(JSON.stringify(access.issuer?.jwks)).not.toMatch(/"(d|p|q)":/);
    expect(access.issuer?.jwks.keys[0]?.alg).toBe(alg);
  } finally {
    access.close();
  }
});
