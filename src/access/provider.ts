import * as openid from 'openid-client';
import type { LoginConfig } from '../config/shape.ts';

/** A professional whom the provider of identities has recognised. */
export interface Person {
  /** RPPS number, eleven digits. */
  practitioner: string;
  /** For the page that lets them choose a patient. */
  name?: string;
}

/** What must be remembered between leaving for the provider and coming back. */
export interface Journey {
  state: string;
  nonce: string;
  verifier: string;
}

/** An OpenID Connect provider, Pro Santé Connect or another whose claims are the same. */
export interface IdentityProvider {
  leave(callback: string): Promise<{ to: URL; journey: Journey }>;
  /** Who came back; undefined when it is nobody with an RPPS number. @throws Error when the provider's answer is not valid */
  arrive(current: URL, journey: Journey): Promise<Person | undefined>;
}

/** Asks the provider where its endpoints are at the first login; nothing of its tokens is kept. */
export function openProvider(config: LoginConfig): IdentityProvider {
  let known: Promise<openid.Configuration> | undefined;
  const discovered = () => {
    const issuer = new URL(config.issuer);
    // The configuration allows plain http on loopback only.
    const execute = issuer.protocol === 'http:' ? [openid.allowInsecureRequests] : [];
    known ??= openid.discovery(issuer, config.clientId, config.clientSecret, undefined, { execute, timeout: 10 });
    known.catch(() => {
      known = undefined;
    });
    return known;
  };
  return {
    async leave(callback) {
      const provider = await discovered();
      const journey = {
        state: openid.randomState(),
        nonce: openid.randomNonce(),
        verifier: openid.randomPKCECodeVerifier(),
      };
      const to = openid.buildAuthorizationUrl(provider, {
        ...config.parameters,
        redirect_uri: callback,
        scope: config.scope,
        state: journey.state,
        nonce: journey.nonce,
        code_challenge: await openid.calculatePKCECodeChallenge(journey.verifier),
        code_challenge_method: 'S256',
      });
      return { to, journey };
    },
    async arrive(current, { state, nonce, verifier }) {
      const provider = await discovered();
      const tokens = await openid.authorizationCodeGrant(provider, current, {
        pkceCodeVerifier: verifier,
        expectedState: state,
        expectedNonce: nonce,
        idTokenExpected: true,
      });
      const claims = tokens.claims();
      if (!claims) return undefined;
      const more = provider.serverMetadata().userinfo_endpoint
        ? await openid.fetchUserInfo(provider, tokens.access_token, claims.sub)
        : {};
      return personOf({ ...claims, ...more });
    },
  };
}

/**
 * The professional in Pro Santé Connect's claims: `SubjectNameID` (also `preferred_username`, end of `sub`) is the national
 * identifier, `8` before the eleven digits of the RPPS. Pure.
 */
export function personOf(claims: Record<string, unknown>): Person | undefined {
  const { sub, SubjectNameID, preferred_username: username, SubjectRefPro } = claims;
  const named = [SubjectNameID, username, typeof sub === 'string' ? sub.split(':').at(-1) : undefined];
  const numbers = named.flatMap((one) => (typeof one === 'string' ? (/^8?(\d{11})$/.exec(one)?.[1] ?? []) : []));
  const practitioner = numbers[0];
  if (practitioner === undefined || numbers.some((one) => one !== practitioner)) return undefined;
  const [exercice] = (SubjectRefPro as { exercices?: Record<string, unknown>[] } | undefined)?.exercices ?? [];
  const names = [exercice?.prenomDexercice ?? claims.given_name, exercice?.nomDexercice ?? claims.family_name];
  const name = names.filter((one) => typeof one === 'string').join(' ');
  return { practitioner, ...(name ? { name: name.slice(0, 100) } : {}) };
}
