import { createHash, randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { MedplumClient } from '@medplum/core';
import { decodeJwt, exportJWK, generateKeyPair, SignJWT } from 'jose';
import { personOf } from '../../src/access/provider.ts';
import { type RunningGateway, startGateway } from '../e2e/running.ts';
import { freePort, writeConfig } from './launch-house.ts';
import { type FakePsc, secret, startPsc } from './psc.ts';

const app = 'http://127.0.0.1:9/back';
const RPPS = 'https://rpps.esante.gouv.fr';
const scopes = 'openid fhirUser launch/patient offline_access patient/*.rs user/*.rs';

let gateway: RunningGateway;
let psc: FakePsc;
let keys: Awaited<ReturnType<typeof generateKeyPair>>;

beforeAll(async () => {
  const port = await freePort();
  const base = `http://127.0.0.1:${port}`;
  psc = await startPsc(`${base}/oauth2/callback`);
  keys = await generateKeyPair('ES384', { extractable: true });
  const jwk = { ...(await exportJWK(keys.publicKey)), kid: 'one', alg: 'ES384' };
  const config = writeConfig({
    http: { listen: `127.0.0.1:${port}`, publicUrl: base },
    access: {
      login: { issuer: psc.issuer, clientId: 'passerelle', clientSecret: secret },
      clients: [
        { client_id: 'gp-software', name: 'Logiciel fictif', scopes, redirect_uris: [app] },
        { client_id: 'other-software', scopes, redirect_uris: ['http://127.0.0.1:9/other'] },
        { client_id: 'backend', scopes: 'system/Patient.rs', jwks: { keys: [jwk] } },
        { client_id: 'bound', scopes: 'system/Patient.rs', jwks: { keys: [jwk] }, bound: true },
      ],
    },
  });
  gateway = await startGateway({ PASSERELLE_CONFIG: config, PASSERELLE_HTTP: `127.0.0.1:${port}` });
  const machine = await gateway.token('machine');
  for (const one of [
    { resourceType: 'Practitioner', id: 'gp', identifier: [{ system: RPPS, value: '10000000001' }] },
    {
      resourceType: 'Patient',
      id: 'mine',
      identifier: [{ system: 'urn:oid:1.2.250.1.213.1.4.10', value: '254037511408220' }],
      name: [{ family: 'DEDANS', given: ['Zoé <b>'] }],
      generalPractitioner: [{ reference: 'Practitioner/gp' }],
    },
    {
      resourceType: 'Patient',
      id: 'other',
      identifier: [{ system: 'urn:oid:1.2.250.1.213.1.4.10', value: '254037511408221' }],
      name: [{ family: 'DEHORS' }],
    },
  ]) {
    const response = await fetch(`${gateway.url}/fhir/R4/${one.resourceType}/${one.id}`, {
      method: 'PUT',
      headers: { authorization: `Bearer ${machine}`, 'content-type': 'application/fhir+json' },
      body: JSON.stringify(one),
    });
    expect(response.status).toBe(201);
  }
});
afterAll(async () => {
  await gateway.remove();
  await psc.close();
});

/** A browser that keeps cookies by origin and does not follow by itself. */
function browser() {
  const jars = new Map<string, Map<string, string>>();
  return async (url: string, init: RequestInit = {}) => {
    const { origin } = new URL(url);
    const jar = jars.get(origin) ?? new Map<string, string>();
    jars.set(origin, jar);
    const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ');
    const response = await fetch(url, {
      redirect: 'manual',
      ...init,
      headers: { ...(init.headers as object), cookie },
    });
    for (const line of response.headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(line) as unknown as [string, string, string];
      if (value) jar.set(name, value);
      else jar.delete(name);
    }
    return response;
  };
}

const verifier = () => randomBytes(32).toString('base64url');
const challengeOf = (text: string) => createHash('sha256').update(text).digest('base64url');

function authorizeUrl(of: Record<string, string | undefined> = {}) {
  const asked = {
    response_type: 'code',
    client_id: 'gp-software',
    redirect_uri: app,
    scope: scopes,
    state: 'the-state',
    aud: `${gateway.url}/fhir/R4`,
    code_challenge: challengeOf('v'.repeat(43)),
    code_challenge_method: 'S256',
    ...of,
  };
  const given = Object.entries(asked).filter(([, value]) => value !== undefined) as [string, string][];
  return `${gateway.url}/oauth2/authorize?${new URLSearchParams(given)}`;
}

/** Goes through the login as a person would; answers where the program gets its answer. */
async function login(
  go = browser(),
  of: Record<string, string | undefined> = {},
  patient: Record<string, string> = { patient: 'mine' },
) {
  let response = await go(authorizeUrl(of));
  for (let hops = 0; hops < 10 && response.status >= 300 && response.status < 400; hops++) {
    const next = new URL(response.headers.get('location') as string, response.url).href;
    if (next.startsWith('http://127.0.0.1:9/')) return { page: '', back: new URL(next).searchParams };
    response = await go(next);
  }
  const page = await response.text();
  const chosen = await go(`${gateway.url}/oauth2/patient`, { method: 'POST', body: new URLSearchParams(patient) });
  const to = chosen.headers.get('location');
  return {
    page,
    policy: response.headers.get('content-security-policy'),
    status: chosen.status,
    back: to ? new URL(to).searchParams : undefined,
  };
}

async function exchange(form: Record<string, string>) {
  const response = await fetch(`${gateway.url}/oauth2/token`, { method: 'POST', body: new URLSearchParams(form) });
  return { status: response.status, body: (await response.json()) as any };
}
const redeem = (code: string, more: Record<string, string> = {}) =>
  exchange({
    grant_type: 'authorization_code',
    code,
    redirect_uri: app,
    client_id: 'gp-software',
    code_verifier: 'v'.repeat(43),
    ...more,
  });
const refresh = (token: string, more: Record<string, string> = {}) =>
  exchange({ grant_type: 'refresh_token', refresh_token: token, client_id: 'gp-software', ...more });
const read = async (token: string, path: string) =>
  (await fetch(`${gateway.url}/fhir/R4/${path}`, { headers: { authorization: `Bearer ${token}` } })).status;

describe('standalone launch', () => {
  test('a professional logs in, chooses a patient, and the software reads that record', async () => {
    const { page, policy, back } = await login();
    expect(page).toContain('DEDANS');
    expect(page).toContain('Camille ESSAI');
    expect(page).not.toContain('DEHORS');
    expect(page).not.toContain('<b>');
    expect(policy).toContain("default-src 'none'");
    expect(back?.get('state')).toBe('the-state');
    const { status, body } = await redeem(back?.get('code') as string);
    expect(status).toBe(200);
    expect(body).toMatchObject({ token_type: 'Bearer', patient: 'mine', scope: scopes, need_patient_banner: true });
    expect(decodeJwt(body.id_token)).toMatchObject({
      aud: 'gp-software',
      sub: '10000000001',
      fhirUser: `${gateway.url}/fhir/R4/Practitioner/gp`,
    });
    expect(await read(body.access_token, 'Patient/mine')).toBe(200);
    expect(await read(body.access_token, 'Patient/other')).toBe(404);
  });

  test('a patient found by INS; one outside the circle is not', async () => {
    expect((await login(browser(), {}, { ins: '2 54 03 75 114 082 20' })).back?.get('code')).toBeTruthy();
    expect((await login(browser(), {}, { ins: '254037511408221' })).status).toBe(404);
    expect((await login(browser(), {}, { patient: 'other' })).status).toBe(404);
  });

  test('refresh rotates; an old token ends the login', async () => {
    const { back } = await login();
    const first = (await redeem(back?.get('code') as string)).body;
    const second = (await refresh(first.refresh_token)).body;
    expect(await read(second.access_token, 'Patient/mine')).toBe(200);
    expect(second.patient).toBe('mine');
    expect((await refresh(first.refresh_token)).body.error).toBe('invalid_grant');
    expect((await refresh(second.refresh_token)).body.error).toBe('invalid_grant');
  });

  test('a refresh narrows, and never widens', async () => {
    const { back } = await login();
    const { refresh_token } = (await redeem(back?.get('code') as string)).body;
    const narrowed = await refresh(refresh_token, { scope: 'patient/Observation.rs system/*.cruds' });
    expect(narrowed.body.scope).not.toMatch(/system|\*\.rs/);
    expect(await read(narrowed.body.access_token, 'Patient/mine')).toBe(403);
  });

  test('a code counts once, for its client, its address and its verifier', async () => {
    const code = async () => (await login()).back?.get('code') as string;
    const once = await code();
    const { refresh_token } = (await redeem(once)).body;
    expect((await redeem(once)).body.error).toBe('invalid_grant');
    expect((await refresh(refresh_token)).body.error).toBe('invalid_grant');
    expect((await redeem(await code(), { client_id: 'other-software' })).body.error).toBe('invalid_grant');
    expect((await redeem(await code(), { redirect_uri: 'http://127.0.0.1:9/other' })).body.error).toBe('invalid_grant');
    expect((await redeem(await code(), { code_verifier: verifier() })).body.error).toBe('invalid_grant');
    expect((await redeem('nonsense')).body.error).toBe('invalid_grant');
    expect((await redeem(await code(), { client_id: 'backend' })).status).toBe(401);
  });

  test.each([
    ['no PKCE', { code_challenge: undefined }, 'invalid_request'],
    ['plain PKCE', { code_challenge_method: 'plain' }, 'invalid_request'],
    ['another audience', { aud: 'https://elsewhere.example/fhir' }, 'invalid_request'],
    ['an implicit grant', { response_type: 'token' }, 'unsupported_response_type'],
    ['scopes of machines', { scope: 'system/*.cruds' }, 'invalid_scope'],
    ['more than registered', { scope: 'user/*.cud' }, 'invalid_scope'],
  ])('%s is refused', async (_name, of, error) => {
    const response = await browser()(authorizeUrl(of as Record<string, string>));
    expect([response.status, new URL(response.headers.get('location') as string).searchParams.get('error')]).toEqual([
      302,
      error,
    ]);
  });

  test.each([
    ['an unknown client', { client_id: 'unknown' }],
    ['an address that is not registered', { redirect_uri: 'https://thief.example/back' }],
    ['an address below a registered one', { redirect_uri: `${app}/more` }],
  ])('%s is sent nowhere', async (_name, of) => {
    const response = await browser()(authorizeUrl(of as Record<string, string>));
    expect([response.status, response.headers.get('location')]).toEqual([400, null]);
  });

  test('who is no professional with an RPPS number gets nothing', async () => {
    psc.next.nameId = '3750000001/essai';
    const { back } = await login();
    psc.next.nameId = '810000000001';
    expect(back?.get('error')).toBe('access_denied');
  });

  test('an answer of the provider in another browser than the one that asked is refused', async () => {
    const go = browser();
    let response = await go(authorizeUrl());
    while (!response.headers.get('location')?.includes('/oauth2/callback')) {
      response = await go(new URL(response.headers.get('location') as string, response.url).href);
    }
    expect((await browser()(response.headers.get('location') as string)).status).toBe(400);
    expect(
      (
        await browser()(`${gateway.url}/oauth2/patient`, {
          method: 'POST',
          body: new URLSearchParams({ patient: 'mine' }),
        })
      ).status,
    ).toBe(400);
  });

  test('the login is in the audit', async () => {
    const { body } = await gateway.get('/fhir/R4/AuditEvent?date=ge2020-01-01&date=lt2100-01-01&_count=1000');
    const logins = body.entry.filter((one: any) => one.resource.type.code === '110114');
    expect(logins.length).toBeGreaterThan(0);
  });
});

test('discovery says what is here', async () => {
  const { body } = await gateway.get('/fhir/R4/.well-known/smart-configuration');
  expect(body).toMatchObject({
    authorization_endpoint: `${gateway.url}/oauth2/authorize`,
    token_endpoint: `${gateway.url}/oauth2/token`,
    grant_types_supported: ['client_credentials', 'authorization_code', 'refresh_token'],
    code_challenge_methods_supported: ['S256'],
  });
  expect(body.capabilities).toEqual(
    expect.arrayContaining([
      'launch-standalone',
      'client-public',
      'context-standalone-patient',
      'permission-offline',
      'sso-openid-connect',
    ]),
  );
  expect(body.capabilities).not.toContain('launch-ehr');
});

test('other origins may ask from a browser only when they are registered', async () => {
  const preflight = (origin: string) =>
    fetch(`${gateway.url}/fhir/R4/Patient/mine`, {
      method: 'OPTIONS',
      headers: { origin, 'access-control-request-method': 'GET' },
    });
  const [ours, others] = [await preflight('http://127.0.0.1:9'), await preflight('https://thief.example')];
  expect([ours.status, ours.headers.get('access-control-allow-origin')]).toEqual([204, 'http://127.0.0.1:9']);
  expect([others.status, others.headers.get('access-control-allow-origin')]).toEqual([401, null]);
});

test('MedplumClient, unmodified, by backend services', async () => {
  const assertion = await new SignJWT({ jti: verifier() })
    .setProtectedHeader({ alg: 'ES384', kid: 'one' })
    .setIssuer('backend')
    .setSubject('backend')
    .setAudience(`${gateway.url}/oauth2/token`)
    .setIssuedAt()
    .setExpirationTime('4m')
    .sign(keys.privateKey);
  const client = new MedplumClient({
    baseUrl: `${gateway.url}/`,
    fhirUrlPath: 'fhir/R4',
    tokenUrl: `${gateway.url}/oauth2/token`,
    fetch,
  });
  await client.startJwtAssertionLogin(assertion).catch((error: Error) => {
    // Medplum asks its own server who it is after a login; the token is there already.
    if (!/auth\/me|login|profile|401|404/i.test(error.message)) throw error;
  });
  expect(client.getAccessToken()).toBeTruthy();
  expect(await client.readResource('Patient', 'mine')).toMatchObject({ id: 'mine' });
  expect((await client.searchResources('Patient', {})).length).toBe(2);
});

test('a bound client without a certificate gets no token', async () => {
  const assertion = await new SignJWT({ jti: verifier() })
    .setProtectedHeader({ alg: 'ES384', kid: 'one' })
    .setIssuer('bound')
    .setSubject('bound')
    .setAudience(`${gateway.url}/oauth2/token`)
    .setExpirationTime('4m')
    .sign(keys.privateKey);
  const form = {
    grant_type: 'client_credentials',
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    client_assertion: assertion,
  };
  expect((await exchange(form)).status).toBe(401);
});

test.each([
  [{ sub: 'f:x:810000000001', SubjectNameID: '810000000001' }, '10000000001'],
  [{ sub: 'x', preferred_username: '10000000001' }, '10000000001'],
  [{ sub: 'f:x:810000000001', SubjectNameID: '810000000002' }, undefined],
  [{ sub: 'f:x:3750000001/essai' }, undefined],
  [{}, undefined],
])('the RPPS of %j', (claims, expected) => {
  expect(personOf(claims)?.practitioner).toBe(expected);
});
