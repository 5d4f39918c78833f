import { hash } from 'node:crypto';
import {
  createLocalJWKSet,
  createRemoteJWKSet,
  decodeJwt,
  type JWTPayload,
  type JWTVerifyGetKey,
  jwtVerify,
} from 'jose';
import type { Config } from '../config/shape.ts';
import type { Caller } from './caller.ts';
import { seesResource } from './decide.ts';
import { audienceOf, issuerOf } from './issuer.ts';
import type { IssuerKeys } from './keys.ts';
import { parseScopes } from './scopes.ts';

/** Answers who a token speaks for; undefined when it is not valid here, whatever the reason. */
export type Verifier = (token: string) => Promise<Caller | undefined>;

interface Trust {
  keys: JWTVerifyGetKey;
  audience: string;
  algorithms: string[];
  typ?: string;
}

const longestToken = 8192;
const clockToleranceSeconds = 5;
/** A verified token is not verified again for this long: a signature costs ten times what the rest of the gate does. */
const rememberedMs = 60_000;
const mostRemembered = 2000;

/** Tokens of the own issuer and of the trusted ones: signature, algorithm, `iss`, `aud`, `exp`, `nbf`. */
export function createVerifier(config: Config, keys: IssuerKeys | undefined): Verifier {
  const trusted = trustedIssuers(config, keys);
  const remembered = new Map<string, { caller: Caller; until: number }>();

  return async (token) => {
    if (token.length > longestToken) return undefined;
    const print = hash('sha256', token, 'base64');
    const now = Date.now();
    const known = remembered.get(print);
    if (known && known.until > now) return known.caller;
    remembered.delete(print);

    const payload = await verify(token, trusted);
    const caller = payload && callerOf(payload, config);
    if (!caller) return undefined;
    if (remembered.size >= mostRemembered) remembered.delete(remembered.keys().next().value as string);
    remembered.set(print, { caller, until: Math.min(now + rememberedMs, caller.expiresAt * 1000) });
    return caller;
  };
}

function trustedIssuers(config: Config, keys: IssuerKeys | undefined): Map<string, Trust> {
  const trusted = new Map<string, Trust>();
  const audience = audienceOf(config);
  if (keys) {
    const algorithms = [...new Set(keys.jwks.keys.map((key) => key.alg as string))];
    trusted.set(issuerOf(config), { keys: createLocalJWKSet(keys.jwks), audience, algorithms, typ: 'at+jwt' });
  }
  for (const one of config.access.trusted) {
    const source = one.jwks ? createLocalJWKSet(one.jwks) : createRemoteJWKSet(new URL(one.jwks_uri as string));
    trusted.set(one.issuer, { keys: source, audience: one.audience ?? audience, algorithms: one.algorithms });
  }
  return trusted;
}

async function verify(token: string, trusted: Map<string, Trust>): Promise<JWTPayload | undefined> {
  try {
    const issuer = decodeJwt(token).iss;
    const trust = issuer === undefined ? undefined : trusted.get(issuer);
    if (!trust) return undefined;
    const { audience, algorithms, typ } = trust;
    const options = {
      issuer,
      audience,
      algorithms,
      typ,
      clockTolerance: clockToleranceSeconds,
      requiredClaims: ['exp'],
    };
    return (await jwtVerify(token, trust.keys, options)).payload;
  } catch {
    // Whatever jose finds wrong, the answer is the same 401: the reason would only help who forged it.
    return undefined;
  }
}

function callerOf(payload: JWTPayload, { access }: Config): Caller | undefined {
  const text = (name: string) => (typeof payload[name] === 'string' ? (payload[name] as string) : undefined);
  const clientId = text('client_id') ?? text('azp') ?? payload.sub;
  if (!clientId) return undefined;
  const scopes = parseScopes(text('scope') ?? '');
  const patient = text('patient');
  const related = /(?:^|\/)RelatedPerson\/([A-Za-z0-9.-]{1,64})$/.exec(text('fhirUser') ?? '')?.[1];
  const bound = (payload.cnf as { 'x5t#S256'?: unknown } | undefined)?.['x5t#S256'];
  // Whoever issued the token: the configuration only ever narrows what a client sees.
  const client = access.clients.find((one) => one.client_id === clientId);
  const programmes = client?.programmes;
  if (client?.bound && typeof bound !== 'string') return undefined;
  return {
    clientId,
    subject: payload.sub ?? clientId,
    issuer: payload.iss as string,
    scopes,
    practitioner: text('rpps'),
    patient,
    ...(related ? { related } : {}),
    ...(programmes ? { programmes } : {}),
    ...(typeof bound === 'string' ? { certificate: bound } : {}),
    expiresAt: payload.exp as number,
    sees: (resource) => seesResource({ scopes, patient }, resource),
  };
}
