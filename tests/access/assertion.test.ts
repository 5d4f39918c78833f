import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type CryptoKey, exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose';
import { type Authenticator, createAuthenticator } from '../../src/access/assertion.ts';
import { openReplayGuard, type ReplayGuard } from '../../src/access/replay.ts';

const endpoint = 'https://passerelle.example/oauth2/token';
let folder: string;
let replay: ReplayGuard;
let authenticate: Authenticator;
let key: CryptoKey;
let otherKey: CryptoKey;
let server: Server;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'passerelle-assertion-'));
  const pair = await generateKeyPair('ES384', { extractable: true });
  const rsa = await generateKeyPair('RS384', { extractable: true });
  key = pair.privateKey as CryptoKey;
  otherKey = rsa.privateKey as CryptoKey;
  const jwk: JWK = await exportJWK(pair.publicKey);
  const fetched = { keys: [{ ...(await exportJWK(rsa.publicKey)), alg: 'RS384' }] };
  server = createServer((_request, response) => {
    response.setHeader('content-type', 'application/json').end(JSON.stringify(fetched));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  replay = openReplayGuard(folder);
  authenticate = createAuthenticator(
    [
      { client_id: 'tele', scopes: 'system/*.c', jwks: { keys: [jwk] } },
      {
        client_id: 'hosp',
        scopes: 'system/*.c',
        jwks_uri: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
      },
      { client_id: 'keyless', scopes: 'system/*.c' },
    ],
    replay,
  );
});
afterAll(async () => {
  replay.close();
  server.close();
  await rm(folder, { recursive: true });
});

async function assertion(claims: object = {}, { alg = 'ES384', by = key }: { alg?: string; by?: CryptoKey } = {}) {
  const now = Math.floor(Date.now() / 1000);
  const usual = { iss: 'tele', sub: 'tele', aud: endpoint, exp: now + 120, jti: randomUUID() };
  return new SignJWT({ ...usual, ...claims }).setProtectedHeader({ alg, typ: 'JWT' }).sign(by);
}

const ask = (text: string) => authenticate(text, [endpoint]);

describe('a client proves itself', () => {
  test('with its key', async () => {
    expect(await ask(await assertion())).toMatchObject({ client_id: 'tele' });
  });

  test('with a key that is read from where it said', async () => {
    const claims = { iss: 'hosp', sub: 'hosp' };
    expect(await ask(await assertion(claims, { alg: 'RS384', by: otherKey }))).toMatchObject({ client_id: 'hosp' });
  });

  test('once with each assertion, also after a restart', async () => {
    const text = await assertion();
    expect(await ask(text)).toBeDefined();
    expect(await ask(text)).toBeUndefined();
    const jti = 'the-same';
    expect(await ask(await assertion({ jti }))).toBeDefined();
    const again = openReplayGuard(folder);
    expect(again.firstUse('tele', jti, Date.now() / 1000 + 60)).toBe(false);
    expect(again.firstUse('hosp', jti, Date.now() / 1000 + 60)).toBe(true);
    again.close();
  });
});

describe('an assertion is refused', () => {
  const now = Math.floor(Date.now() / 1000);
  test.each([
    ['for another audience', { aud: 'https://elsewhere.example/token' }],
    ['expired', { exp: now - 60 }],
    ['that lives too long', { exp: now + 3600 }],
    ['without an end', { exp: undefined }],
    ['without a jti', { jti: undefined }],
    ['with an empty jti', { jti: '' }],
    ['with a jti that is no text', { jti: 7 }],
    ['in the name of another', { sub: 'hosp' }],
    ['of an unknown client', { iss: 'nobody', sub: 'nobody' }],
    ['of a client without keys', { iss: 'keyless', sub: 'keyless' }],
    ['without an issuer', { iss: undefined }],
  ])('%s', async (_, claims) => {
    expect(await ask(await assertion(claims))).toBeUndefined();
  });

  test('signed with the key of another', async () => {
    expect(await ask(await assertion({}, { alg: 'RS384', by: otherKey }))).toBeUndefined();
  });

  test('signed with an algorithm SMART does not name', async () => {
    const { privateKey } = await generateKeyPair('ES256');
    expect(await ask(await assertion({}, { alg: 'ES256', by: privateKey as CryptoKey }))).toBeUndefined();
  });

  test.each(['', 'x', 'a.b.c'])('nonsense %#', async (text) => {
    expect(await ask(text)).toBeUndefined();
  });
});
