import { createHash, randomUUID, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type CryptoKey, exportJWK, generateKeyPair, importJWK, type JWTPayload, SignJWT } from 'jose';
import { Agent, request } from 'undici';
import { mintToken } from '../../src/access/index.ts';
import { frame } from '../../src/formats/hl7v2/mllp.ts';
import { type RunningGateway, startGateway } from '../e2e/running.ts';
import { hasOpenssl, makeCertificates } from './certificates.ts';
import { freePort, writeConfig } from './launch-house.ts';

if (!hasOpenssl) console.warn('skipped: openssl is not here, so no certificates can be made');

const attempts = hasOpenssl ? describe : describe.skip;
const assertionType = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';

attempts('each attempt is refused with the right status', () => {
  let gateway: RunningGateway;
  let base: string;
  let certificates: ReturnType<typeof makeCertificates>;
  let own: { key: CryptoKey; kid: string; publicJwk: object };
  const pairs: Record<string, Awaited<ReturnType<typeof generateKeyPair>>> = {};
  const agents: Record<string, Agent> = {};

  beforeAll(async () => {
    certificates = makeCertificates(['server', 'ours', 'theirs']);
    const port = await freePort();
    base = `https://127.0.0.1:${port}`;
    for (const name of ['backend', 'partner', 'stranger'])
      pairs[name] = await generateKeyPair('ES384', { extractable: true });
    const jwks = async (name: string) => ({ keys: [{ ...(await exportJWK(pairs[name]!.publicKey)), kid: name }] });
    const { file, read } = certificates;
    const tls = { cert: file('server.pem'), key: file('server.key'), ca: file('ca.pem'), clientCertificate: 'request' };
    const fingerprint = new X509Certificate(read('ours.pem')).fingerprint256;
    const config = writeConfig({
      http: { listen: `127.0.0.1:${port}`, publicUrl: base, tls },
      doors: [
        { name: 'mllp', type: 'mllp', listen: '127.0.0.1:0', tls, senders: { 'GAM|CH-ALPHA': [fingerprint] } },
        { name: 'fhir-api', type: 'fhir-api' },
      ],
      access: {
        trusted: [{ issuer: 'https://partner.example', audience: 'urn:test:partner', jwks: await jwks('partner') }],
        clients: [
          { client_id: 'backend', scopes: 'system/Patient.rs', jwks: await jwks('backend') },
          { client_id: 'bound', scopes: 'system/Patient.rs', jwks: await jwks('backend'), bound: true },
        ],
      },
    });
    gateway = await startGateway({
      PASSERELLE_CONFIG: config,
      PASSERELLE_HTTP: `127.0.0.1:${port}`,
      PASSERELLE_MLLP: '',
    });
    const [jwk] = JSON.parse(readFileSync(join(gateway.config.data, 'issuer-keys.json'), 'utf8')).keys;
    const { d: _d, ...publicJwk } = jwk;
    own = { key: (await importJWK(jwk, 'ES256')) as CryptoKey, kid: jwk.kid, publicJwk };
    const ca = read('ca.pem');
    agents.none = new Agent({ connect: { ca } });
    for (const name of ['ours', 'theirs']) {
      agents[name] = new Agent({ connect: { ca, cert: read(`${name}.pem`), key: read(`${name}.key`) } });
    }
  });
  afterAll(async () => {
    for (const one of Object.values(agents)) await one.close();
    await gateway?.remove();
  });

  const get = async (token: string, path = 'Patient?_count=1', agent = 'none') => {
    const headers = { authorization: `Bearer ${token}` };
    const { statusCode, body } = await request(`${base}/fhir/R4/${path}`, { headers, dispatcher: agents[agent] });
    await body.dump();
    return statusCode;
  };
  const tokens = async (form: Record<string, string>, agent = 'none') => {
    const { statusCode, body } = await request(`${base}/oauth2/token`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: `${new URLSearchParams(form)}`,
      dispatcher: agents[agent],
    });
    return { status: statusCode, body: (await body.json()) as any };
  };

  const claims = (): JWTPayload => ({
    iss: 'urn:passerelle:development',
    aud: base,
    sub: 'x',
    client_id: 'x',
    scope: 'system/*.cruds',
    exp: Math.floor(Date.now() / 1000) + 60,
  });
  const signed = (
    change: JWTPayload = {},
    { key = own.key as CryptoKey | Uint8Array, kid = own.kid, alg = 'ES256', typ = 'at+jwt' } = {},
  ) => new SignJWT({ ...claims(), ...change }).setProtectedHeader({ alg, kid, typ }).sign(key);
  const encoded = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url');

  test('the one all attempts are changed from counts', async () => {
    expect(await get(await signed())).toBe(200);
  });

  const forged: [string, () => Promise<string> | string][] = [
    ['alg none', () => `${encoded({ alg: 'none', typ: 'at+jwt' })}.${encoded(claims())}.`],
    [
      'alg none, with a signature',
      async () =>
        `${encoded({ alg: 'none', kid: own.kid, typ: 'at+jwt' })}.${(await signed()).split('.').slice(1).join('.')}`,
    ],
    [
      'the public key as a secret (HS256)',
      () => signed({}, { key: Buffer.from(JSON.stringify(own.publicJwk)), alg: 'HS256' }),
    ],
    ['another audience', () => signed({ aud: 'https://elsewhere.example' })],
    ['no audience', () => signed({ aud: undefined })],
    ['an issuer nobody trusts', () => signed({ iss: 'https://elsewhere.example' })],
    ['expired', () => signed({ exp: Math.floor(Date.now() / 1000) - 60 })],
    ['without end', () => signed({ exp: undefined })],
    ['not yet valid', () => signed({ nbf: Math.floor(Date.now() / 1000) + 600 })],
    [
      'an unknown key',
      () => signed({}, { key: pairs.stranger!.privateKey as CryptoKey, alg: 'ES384', kid: 'stranger' }),
    ],
    [
      'an unknown key under a known name',
      () => signed({}, { key: pairs.stranger!.privateKey as CryptoKey, alg: 'ES384' }),
    ],
    ['another kind of token (id_token)', () => signed({}, { typ: 'JWT' })],
    [
      'scopes widened after signing',
      async () => {
        const [head, , signature] = (await signed({ scope: 'system/Patient.r' })).split('.');
        return `${head}.${encoded(claims())}.${signature}`;
      },
    ],
    [
      'a trusted issuer, for another service',
      () =>
        signed(
          { iss: 'https://partner.example', aud: 'urn:test:other' },
          { key: pairs.partner!.privateKey as CryptoKey, alg: 'ES384', kid: 'partner' },
        ),
    ],
    ['a trusted issuer, with our own key', () => signed({ iss: 'https://partner.example', aud: 'urn:test:partner' })],
    [
      'our name, with a trusted issuer’s key',
      () => signed({}, { key: pairs.partner!.privateKey as CryptoKey, alg: 'ES384', kid: 'partner' }),
    ],
    ['a bound client’s name, unbound', () => signed({ client_id: 'bound' })],
    ['nonsense', () => 'a.b.c'],
  ];
  test.each(forged)('token: %s → 401', async (_name, make) => {
    expect(await get(await make())).toBe(401);
  });

  test('token of a trusted issuer, for us → 200', async () => {
    const token = await signed(
      { iss: 'https://partner.example', aud: 'urn:test:partner' },
      { key: pairs.partner!.privateKey as CryptoKey, alg: 'ES384', kid: 'partner' },
    );
    expect(await get(token)).toBe(200);
  });

  const assertion = (change: JWTPayload = {}, who = 'backend', client = 'backend', alg = 'ES384') =>
    new SignJWT({
      iss: client,
      sub: client,
      aud: `${base}/oauth2/token`,
      jti: randomUUID(),
      exp: Math.floor(Date.now() / 1000) + 60,
      ...change,
    })
      .setProtectedHeader({ alg, kid: who })
      .sign(pairs[who]!.privateKey);
  const form = async (made: Promise<string> | string, more: Record<string, string> = {}) => ({
    grant_type: 'client_credentials',
    client_assertion_type: assertionType,
    client_assertion: await made,
    ...more,
  });

  const assertions: [string, () => Promise<string> | string][] = [
    [
      'alg none',
      () =>
        `${encoded({ alg: 'none' })}.${encoded({ iss: 'backend', sub: 'backend', aud: `${base}/oauth2/token`, jti: randomUUID(), exp: 9_999_999_999 })}.`,
    ],
    ['another audience', () => assertion({ aud: 'https://elsewhere.example/oauth2/token' })],
    ['another client’s name', () => assertion({ iss: 'unknown', sub: 'unknown' })],
    ['issuer and subject differ', () => assertion({ sub: 'bound' })],
    ['expired', () => assertion({ exp: Math.floor(Date.now() / 1000) - 60 })],
    ['valid for a day', () => assertion({ exp: Math.floor(Date.now() / 1000) + 86_400 })],
    ['without jti', () => assertion({ jti: undefined })],
    ['an unknown key', () => assertion({}, 'stranger')],
  ];
  test.each(assertions)('assertion: %s → 401', async (_name, make) => {
    expect(await tokens(await form(make()))).toMatchObject({ status: 401, body: { error: 'invalid_client' } });
  });

  test('assertion: replayed → 401', async () => {
    const sent = await form(assertion());
    expect([(await tokens(sent)).status, (await tokens(sent)).status]).toEqual([200, 401]);
  });

  test('scope: widening gives what is allowed, nothing more; alone 400; used beyond it 403', async () => {
    const { body } = await tokens(await form(assertion(), { scope: 'system/*.cruds' }));
    expect(body.scope).toBe('system/Patient.rs');
    expect([
      await get(body.access_token),
      await get(body.access_token, 'Observation'),
      await get(body.access_token, 'AuditEvent?date=ge2020-01-01&date=lt2100-01-01'),
    ]).toEqual([200, 403, 403]);
    expect((await tokens(await form(assertion(), { scope: 'system/Observation.rs' }))).status).toBe(400);
  });

  test('certificate: a bound token with another certificate, or none → 401', async () => {
    expect((await tokens(await form(assertion({}, 'backend', 'bound')))).status).toBe(401);
    const { body } = await tokens(await form(assertion({}, 'backend', 'bound')), 'ours');
    const print = createHash('sha256')
      .update(new X509Certificate(certificates.read('ours.pem')).raw)
      .digest('base64url');
    expect(JSON.parse(Buffer.from(body.access_token.split('.')[1], 'base64url').toString()).cnf).toEqual({
      'x5t#S256': print,
    });
    const seen = [];
    for (const agent of ['ours', 'theirs', 'none']) seen.push(await get(body.access_token, 'Patient?_count=1', agent));
    expect(seen).toEqual([200, 401, 401]);
    const { body: discovered } = await request(`${base}/.well-known/smart-configuration`, { dispatcher: agents.none });
    expect(await discovered.json()).toMatchObject({ tls_client_certificate_bound_access_tokens: true });
  });

  test('MLLP: another certificate, none, or another system’s name → AR', async () => {
    const message = (application: string) => `MSH|^~\\&|${application}|CH-ALPHA|X|Y|20240501080000||ADT^A99|1|P|2.5\r`;
    const send = (text: string, name?: string) =>
      new Promise<string>((resolve, reject) => {
        const { hostname, port } = new URL(gateway.mllp);
        const shown = name ? { cert: certificates.read(`${name}.pem`), key: certificates.read(`${name}.key`) } : {};
        const socket = connect({ host: hostname, port: Number(port), ca: certificates.read('ca.pem'), ...shown });
        socket.once('secureConnect', () => socket.write(frame(Buffer.from(text))));
        socket.once('data', (bytes) => {
          resolve(/MSA\|[\s\S]*/.exec(bytes.toString())?.[0] ?? '');
          socket.destroy();
        });
        socket.once('error', reject);
      });
    const unproven = /certificat/;
    expect(await send(message('GAM'), 'ours')).not.toMatch(unproven);
    for (const sent of [send(message('GAM'), 'theirs'), send(message('GAM')), send(message('OTHER'), 'ours')]) {
      const answer = await sent;
      expect(answer).toMatch(/^MSA\|AR/);
      expect(answer).toMatch(unproven);
    }
  });

  test('emergency access that has ended → 404', async () => {
    const machine = await gateway.token('machine');
    const put = async (resource: { resourceType: string; id: string }) => {
      const headers = { authorization: `Bearer ${machine}`, 'content-type': 'application/fhir+json' };
      const { statusCode, body } = await request(`${base}/fhir/R4/${resource.resourceType}/${resource.id}`, {
        method: 'PUT',
        headers,
        body: JSON.stringify(resource),
        dispatcher: agents.none,
      });
      await body.dump();
      expect(statusCode).toBeLessThan(202);
    };
    await put({
      resourceType: 'Practitioner',
      id: 'p',
      identifier: [{ system: 'https://rpps.esante.gouv.fr', value: '10000000001' }],
    } as never);
    await put({ resourceType: 'Patient', id: 'x' });
    const at = (minutes: number) => new Date(Date.now() + minutes * 60_000).toISOString();
    const grant = (end: string) => ({
      resourceType: 'Consent',
      id: 'grant',
      status: 'active',
      scope: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/consentscope', code: 'patient-privacy' }] },
      category: [{ coding: [{ system: 'http://passerelle.example/fhir/CodeSystem/access', code: 'break-glass' }] }],
      patient: { reference: 'Patient/x' },
      dateTime: at(-60),
      policyRule: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'OPTOUT' }] },
      provision: {
        type: 'permit',
        period: { start: at(-60), end },
        actor: [
          {
            role: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ParticipationType', code: 'IRCP' }] },
            reference: { reference: 'Practitioner/p' },
          },
        ],
      },
    });
    const doctor = (await mintToken(gateway.config, {
      clientId: 'x',
      scope: 'user/*.rs',
      practitioner: '10000000001',
    })) as string;
    await put(grant(at(10)));
    expect(await get(doctor, 'Patient/x')).toBe(200);
    await put(grant(at(-1)));
    expect(await get(doctor, 'Patient/x')).toBe(404);
  });
});
