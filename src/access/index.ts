import { isDeepStrictEqual } from 'node:util';
import type { Config } from '../config/shape.ts';
import { type Authenticator, createAuthenticator } from './assertion.ts';
import { type AuditTrail, openAudit } from './audit.ts';
import { loginEvent, rulesEvent } from './audit-event.ts';
import { type Exchanged, messageEvent } from './audit-message.ts';
import { defaultScope, signToken } from './issuer.ts';
import { type IssuerKeys, openKeys } from './keys.ts';
import { type Logins, openLogins } from './logins.ts';
import { type AccessRules, loadAccessRules } from './porter-rules.ts';
import { type IdentityProvider, openProvider } from './provider.ts';
import { openReplayGuard } from './replay.ts';
import { formatScopes, narrow, parseScopes } from './scopes.ts';
import { createVerifier, type Verifier } from './verifier.ts';

export type { Exchanged } from './audit-message.ts';

/** The porter: who asks, and what the own issuer gives. */
export interface Access {
  verify: Verifier;
  /** Who may see what, of `mappings/rules-access.json`: whole and never changed. Asked for once for each request. */
  readonly rules: AccessRules;
  /**
   * Reads and checks the rules anew: they hold from the next request on, and the audit says so. True when they are others than before.
   * @throws PasserelleError `access-rules-invalid`; those in use stay
   */
  renewRules(): boolean;
  /** Who looked at what and wrote what. */
  audit: AuditTrail;
  /** The own issuer; absent when the configuration has none. */
  issuer?: {
    jwks: IssuerKeys['jwks'];
    authenticate: Authenticator;
    /** A token for a client that proved itself; undefined when it may have none of the scopes it asks for. */
    grant(
      clientId: string,
      requested: string,
      certificate?: string,
    ): Promise<{ token: string; scope: string; seconds: number } | undefined>;
  };
  /** Login of persons; absent when the configuration names no provider of identities, or there is no own issuer. */
  persons?: { provider: IdentityProvider; logins: Logins; keys: IssuerKeys };
  /** Writes a person's login into the audit. */
  noteLogin(login: { clientId: string; practitioner: string; address?: string }): void;
  /** Writes a message that came in, or a delivery that went out, into the audit. */
  noteMessage(exchanged: Exchanged): void;
  close(): void;
}

/** Opens keys and memory in the data folder. Throws PasserelleError when the keys cannot be used. */
export async function openAccess(config: Config): Promise<Access> {
  const keys = await openKeys(config.data, config.access);
  const verify = createVerifier(config, keys);
  const held = { rules: loadAccessRules(config.folders.mappings) };
  const audit = openAudit(config.data);
  const noteLogin: Access['noteLogin'] = (login) => audit.record(loginEvent(login, new Date()));
  const noteMessage: Access['noteMessage'] = (exchanged) => audit.record(messageEvent(exchanged));
  const renewRules = () => {
    const fresh = loadAccessRules(config.folders.mappings);
    if (isDeepStrictEqual(fresh, held.rules)) return false;
    audit.record(rulesEvent(fresh, new Date()));
    held.rules = fresh;
    return true;
  };
  const common = {
    verify,
    get rules() {
      return held.rules;
    },
    renewRules,
    audit,
    noteLogin,
    noteMessage,
  };
  if (!keys) return Object.assign(common, { close: () => audit.close() });

  const replay = openReplayGuard(config.data);
  const { clients, issuer, login } = config.access;
  const persons = login && { provider: openProvider(login), logins: openLogins(config.data), keys };
  const ownIssuer: Access['issuer'] = {
    jwks: keys.jwks,
    authenticate: createAuthenticator(clients, replay),
    async grant(clientId, requested, certificate) {
      const allowed = parseScopes(clients.find((one) => one.client_id === clientId)?.scopes ?? '');
      // Nobody is logged in behind client credentials: only system/ scopes mean anything.
      const system = allowed.filter((one) => one.context === 'system');
      const scope = formatScopes(narrow(parseScopes(requested), system));
      if (scope === '') return undefined;
      const seconds = issuer.tokenSeconds;
      return { token: await signToken(config, keys, { clientId, scope, seconds, certificate }), scope, seconds };
    },
  };
  const close = () => {
    audit.close();
    replay.close();
    persons?.logins.close();
  };
  // Not spread: that would fix the rules as they are now.
  return Object.assign(common, { ...(persons ? { persons } : {}), issuer: ownIssuer, close });
}

/** For whom and for what a token is minted. */
export interface MintRequest {
  clientId: string;
  scope?: string;
  /** RPPS number. */
  practitioner?: string;
  /** FHIR id, for `patient/` scopes. */
  patient?: string;
  /** Id of a RelatedPerson who acts for that patient. */
  related?: string;
  /** Lifetime, 3600 when not given. */
  seconds?: number;
}

/**
 * Makes a token with the key in the data folder, for any client name: for loopback use and tests. Throws PasserelleError
 * when there is no key, or one that others can read.
 */
export async function mintToken(config: Config, request: MintRequest): Promise<string | undefined> {
  const keys = await openKeys(config.data, config.access);
  if (!keys) return undefined;
  const { clientId, practitioner, patient, related, seconds = 3600 } = request;
  const scope = request.scope ?? defaultScope(config, clientId, practitioner !== undefined);
  return signToken(config, keys, { clientId, scope, practitioner, patient, related, seconds });
}
