import { createHash, timingSafeEqual } from 'node:crypto';
import { SignJWT } from 'jose';
import type { ClientEntry, Config } from '../config/shape.ts';
import { issuerOf, signToken } from './issuer.ts';
import type { IssuerKeys } from './keys.ts';
import type { Granted, Logins } from './logins.ts';
import { formatScopes, narrow, parseScopes } from './scopes.ts';

/** Scopes that are not about resources and are given as they are. */
const plain = ['openid', 'fhirUser', 'profile', 'launch/patient', 'offline_access', 'online_access'];

/** What a token endpoint answers, RFC 6749 section 5.1 and SMART App Launch. */
export interface TokenAnswer {
  access_token: string;
  token_type: 'Bearer';
  expires_in: number;
  scope: string;
  patient?: string;
  need_patient_banner?: boolean;
  refresh_token?: string;
  id_token?: string;
}

/** What is left of the scopes a program asks for on behalf of a person; empty when nothing about resources is. */
export function scopeForPerson(client: ClientEntry, requested: string): string {
  const allowed = client.scopes.split(' ');
  const own = parseScopes(client.scopes).filter((one) => one.context !== 'system');
  const resources = formatScopes(narrow(parseScopes(requested), own));
  if (resources === '') return '';
  const others = requested.split(' ').filter((one) => plain.includes(one) && allowed.includes(one));
  return [...new Set(others), resources].join(' ');
}

/** RFC 7636, S256 only. */
export function meetsChallenge(verifier: string, challenge: string): boolean {
  if (!/^[A-Za-z0-9\-._~]{43,128}$/.test(verifier)) return false;
  const given = createHash('sha256').update(verifier).digest();
  const expected = Buffer.from(challenge, 'base64url');
  return given.length === expected.length && timingSafeEqual(given, expected);
}

/** What an answer is made from. */
export interface Answering {
  config: Config;
  keys: IssuerKeys;
  logins: Logins;
  granted: Granted;
  /** Of the login all this follows from. */
  family: string;
  /** URL of the FHIR API. */
  base: string;
  /** `Practitioner/id`. */
  fhirUser?: string;
  /** The token is bound to this certificate, RFC 8705. */
  certificate?: string;
}

/** The tokens for what a person allowed; a refresh token when asked for, in the family of the login. */
export async function answerFor(to: Answering): Promise<TokenAnswer> {
  const { config, keys, logins, granted, family, base, fhirUser, certificate } = to;
  const { clientId, practitioner, patient, nonce } = granted;
  const seconds = config.access.issuer.tokenSeconds;
  const scopes = granted.scope.split(' ');
  const resources = formatScopes(parseScopes(granted.scope));
  const access = await signToken(config, keys, {
    clientId,
    scope: resources,
    practitioner,
    patient,
    seconds,
    certificate,
  });
  const { redirectUri: _uri, challenge: _challenge, ...lasting } = granted;
  const refreshes = scopes.includes('offline_access') || scopes.includes('online_access');
  return {
    access_token: access,
    token_type: 'Bearer',
    expires_in: seconds,
    scope: granted.scope,
    ...(patient ? { patient, need_patient_banner: true } : {}),
    ...(refreshes
      ? { refresh_token: logins.issue('refresh', lasting, config.access.issuer.refreshSeconds, family) }
      : {}),
    ...(scopes.includes('openid')
      ? {
          id_token: await idToken(config, keys, {
            clientId,
            practitioner,
            nonce,
            seconds,
            fhirUser: fhirUser && `${base}/${fhirUser}`,
          }),
        }
      : {}),
  };
}

interface Identity {
  clientId: string;
  practitioner: string;
  nonce?: string;
  fhirUser?: string;
  seconds: number;
}

async function idToken(config: Config, keys: IssuerKeys, identity: Identity): Promise<string> {
  const { clientId, practitioner, nonce, fhirUser, seconds } = identity;
  const { key, kid, algorithm } = keys.signing;
  return new SignJWT({ ...(nonce ? { nonce } : {}), ...(fhirUser ? { fhirUser, profile: fhirUser } : {}) })
    .setProtectedHeader({ alg: algorithm, kid, typ: 'JWT' })
    .setIssuer(issuerOf(config))
    .setAudience(clientId)
    .setSubject(practitioner)
    .setIssuedAt()
    .setExpirationTime(`${seconds}s`)
    .sign(key);
}
