import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import {
  type CryptoKey,
  createRemoteJWKSet,
  exportJWK,
  generateKeyPair,
  type JSONWebKeySet,
  jwtVerify,
  SignJWT,
} from 'jose';
import request from 'supertest';
import { type Listening, listen } from '../../src/web/listener.ts';
import { type House, openHouse } from './house.ts';

const assertionType = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';

let house: House;
let server: Listening;
let key: CryptoKey;
let jwks: JSONWebKeySet;

beforeAll(async () => {
  const pair = await generateKeyPair('RS384', { extractable: true });
  key = pair.privateKey;
  jwks = { keys: [{ ...(await exportJWK(pair.publicKey)), kid: 'k1', alg: 'RS384' }] };
  house = await openHouse((config) => {
    config.access.clients.push({ client_id: 'tele', scopes: 'system/Observation.c system/Patient.rs user/*.rs', jwks });
  });
  server = await listen(house.app, { ...house.config.http, listen: '127.0.0.1:0' });
});
afterAll(async () => {
  await server.close(1000);
  await house.close();
});

async function assertion(claims: object = {}): Promise<string> {
  const usual = { iss: 'tele', sub: 'tele', aud: `${server.url}/oauth2/token`, jti: randomUUID() };
  return new SignJWT({ ...usual, ...claims })
    .setProtectedHeader({ alg: 'RS384', kid: 'k1', typ: 'JWT' })
    .setExpirationTime('2m')
    .sign(key);
}

async function ask(form: Record<string, string> | [string, string][], headers: Record<string, string> = {}) {
  const answer = await fetch(`${server.url}/oauth2/token`, {
    method: 'POST',
    body: new URLSearchParams(form),
    headers,
  });
  return { status: answer.status, headers: answer.headers, body: (await answer.json()) as Record<string, unknown> };
}

const usualForm = async (more: Record<string, string> = {}) => ({
  grant_type: 'client_credentials',
  client_assertion_type: assertionType,
  client_assertion: await assertion(),
  ...more,
});

describe('backend services', () => {
  test('a client finds its way from discovery to a token that opens what it is for', async () => {
    const found = (await (await fetch(`${server.url}/fhir/R4/.well-known/smart-configuration`)).json()) as Record<
      string,
      string
    >;
    expect(found).toMatchObject({
      token_endpoint: `${server.url}/oauth2/token`,
      jwks_uri: `${server.url}/oauth2/jwks`,
      grant_types_supported: ['client_credentials'],
      token_endpoint_auth_signing_alg_values_supported: ['RS384', 'ES384'],
    });
    const { status, body, headers } = await ask(await usualForm({ scope: 'system/Observation.c' }));
    expect(status).toBe(200);
    expect(body).toEqual({
      access_token: expect.any(String),
      token_type: 'bearer',
      expires_in: 300,
      scope: 'system/Observation.c',
    });
    expect(headers.get('cache-control')).toBe('no-store');
    const keys = createRemoteJWKSet(new URL(found.jwks_uri as string));
    const { payload } = await jwtVerify(body.access_token as string, keys, { audience: 'urn:passerelle' });
    expect(payload).toMatchObject({ client_id: 'tele', scope: 'system/Observation.c' });
    const send = (path: string) =>
      request(house.app)
        .post(path)
        .set('Authorization', `Bearer ${body.access_token}`)
        .type('application/json')
        .send('{}');
    expect((await send('/in/telemonitoring/covidom')).status).toBe(202);
    expect((await send('/in/hl7v2')).status).toBe(403);
  });

  test('asking for more gives no more, asking for nothing gives what is registered', async () => {
    expect((await ask(await usualForm({ scope: 'system/*.cruds' }))).body.scope).toBe(
      'system/Observation.c system/Patient.rs',
    );
    expect((await ask(await usualForm())).body.scope).toBe('system/Observation.c system/Patient.rs');
    for (const scope of ['system/Task.rs', 'user/Patient.rs', 'nonsense', '']) {
      expect(await ask(await usualForm({ scope }))).toMatchObject({ status: 400, body: { error: 'invalid_scope' } });
    }
  });

  test('an assertion counts once', async () => {
    const form = await usualForm();
    expect((await ask(form)).status).toBe(200);
    expect(await ask(form)).toMatchObject({ status: 401, body: { error: 'invalid_client' } });
  });

  test('an assertion made for another server does not count, whatever Host says', async () => {
    const elsewhere = await assertion({ aud: 'https://elsewhere.example/oauth2/token' });
    const answer = await request(house.app)
      .post('/oauth2/token')
      .set('Host', 'elsewhere.example')
      .type('form')
      .send(new URLSearchParams({ ...(await usualForm()), client_assertion: elsewhere }).toString());
    expect(answer.status).toBe(401);
  });

  test.each([
    ['another grant', { grant_type: 'password' }, 400, 'unsupported_grant_type'],
    ['a secret', { client_assertion_type: '' }, 401, 'invalid_client'],
    ['no assertion', { client_assertion: '' }, 401, 'invalid_client'],
    ['a forged one', { client_assertion: 'a.b.c' }, 401, 'invalid_client'],
    ['another client', { client_id: 'other' }, 401, 'invalid_client'],
  ])('%s is refused', async (_, change, status, error) => {
    expect(await ask(await usualForm(change))).toMatchObject({ status, body: { error } });
  });

  test('a parameter given twice, or no form, is refused', async () => {
    const twice: [string, string][] = [...Object.entries(await usualForm()), ['scope', 'a'], ['scope', 'b']];
    expect(await ask(twice)).toMatchObject({ status: 400, body: { error: 'invalid_request' } });
    const json = { 'content-type': 'application/json' };
    expect(await ask(await usualForm(), json)).toMatchObject({ status: 400, body: { error: 'invalid_request' } });
  });

  test('an endless form is refused', async () => {
    const answer = await fetch(`${server.url}/oauth2/token`, { method: 'POST', body: 'x'.repeat(70_000) });
    expect(answer.status).toBe(413);
  });
});

test('the keys that are published hold nothing private', async () => {
  const answer = await request(house.app).get('/oauth2/jwks');
  expect(answer.status).toBe(200);
  expect(Object.keys(answer.body.keys[0]).sort()).toEqual(['alg', 'crv', 'kid', 'kty', 'use', 'x', 'y']);
});

test('a public URL is what discovery shows and assertions must name', async () => {
  const far = await openHouse((config) => {
    config.http.publicUrl = 'https://gateway.example/';
    config.access.clients.push({ client_id: 'tele', scopes: 'system/*.rs', jwks });
  });
  const found = await request(far.app).get('/.well-known/smart-configuration').set('Host', 'evil.example');
  expect(found.body.token_endpoint).toBe('https://gateway.example/oauth2/token');
  const send = async (aud: string) => {
    const form = { ...(await usualForm()), client_assertion: await assertion({ aud }) };
    return (await request(far.app).post('/oauth2/token').type('form').send(new URLSearchParams(form).toString()))
      .status;
  };
  expect(await send('https://gateway.example/oauth2/token')).toBe(200);
  expect(await send(`${server.url}/oauth2/token`)).toBe(401);
  await far.close();
});
