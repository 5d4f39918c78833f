// SMART Backend Services, client authentication with an asymmetric key:
// https://hl7.org/fhir/smart-app-launch/client-confidential-asymmetric.html
import { createLocalJWKSet, createRemoteJWKSet, decodeJwt, type JWTVerifyGetKey, jwtVerify } from 'jose';
import type { ClientEntry } from '../config/shape.ts';
import type { ReplayGuard } from './replay.ts';

/** `client_assertion_type` of a signed assertion (RFC 7523). */
export const assertionType = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';
/** Signatures that SMART backend services may use. */
export const assertionAlgorithms = ['RS384', 'ES384'];

/** An assertion may not live longer than this, so that its `jti` need not be remembered for long. */
const longestLifeSeconds = 300;
const clockToleranceSeconds = 5;
const longestJti = 256;

/** Finds the client an assertion proves; undefined when it proves none, whatever the reason. */
export type Authenticator = (assertion: string, audiences: string[]) => Promise<ClientEntry | undefined>;

/** Knows the registered clients and their keys; a `jti` counts once. */
export function createAuthenticator(clients: ClientEntry[], replay: ReplayGuard): Authenticator {
  const known = new Map<string, { client: ClientEntry; keys: JWTVerifyGetKey }>();
  for (const client of clients) {
    if (client.jwks) known.set(client.client_id, { client, keys: createLocalJWKSet(client.jwks) });
    else if (client.jwks_uri) {
      known.set(client.client_id, { client, keys: createRemoteJWKSet(new URL(client.jwks_uri)) });
    }
  }

  return async (assertion, audiences) => {
    try {
      const claimed = decodeJwt(assertion).iss;
      const found = claimed === undefined ? undefined : known.get(claimed);
      if (!found || claimed === undefined) return undefined;
      const { payload } = await jwtVerify(assertion, found.keys, {
        issuer: claimed,
        subject: claimed,
        audience: audiences,
        algorithms: assertionAlgorithms,
        clockTolerance: clockToleranceSeconds,
        requiredClaims: ['exp', 'jti'],
      });
      const { exp = 0, jti } = payload;
      if (typeof jti !== 'string' || jti === '' || jti.length > longestJti) return undefined;
      if (exp > Date.now() / 1000 + longestLifeSeconds + clockToleranceSeconds) return undefined;
      return replay.firstUse(claimed, jti, exp) ? found.client : undefined;
    } catch {
      // Unknown key, wrong signature, wrong audience, expired, keys not to be had: one answer, invalid_client.
      return undefined;
    }
  };
}
