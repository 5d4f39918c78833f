import { randomUUID } from 'node:crypto';
import { SignJWT } from 'jose';
import type { Config } from '../config/shape.ts';
import type { IssuerKeys } from './keys.ts';

/** `iss` of the development issuer: its key lives in one data folder, so the name needs no address. */
export const developmentIssuer = 'urn:passerelle:development';

/** `iss` of the tokens made here. */
export function issuerOf({ access }: Config): string {
  return access.issuer.kind === 'own' ? (access.issuer.url as string) : developmentIssuer;
}

/** `aud` that tokens must name. */
export function audienceOf({ access, http }: Config): string {
  return access.audience ?? http.publicUrl ?? 'urn:passerelle';
}

/** What the issuer is asked to put into a token. */
export interface TokenRequest {
  clientId: string;
  /** SMART scopes, separated by blanks. */
  scope: string;
  /** RPPS number of the professional it speaks for; `sub` is then that person. */
  practitioner?: string;
  /** Patient in context, for `patient/` scopes. */
  patient?: string;
  /** RelatedPerson who acts for that patient. */
  related?: string;
  /** SHA-256 of the certificate it is bound to, base64url. */
  certificate?: string;
  seconds: number;
  now?: Date;
}

/** Signs an access token, RFC 9068. */
export async function signToken(config: Config, keys: IssuerKeys, request: TokenRequest): Promise<string> {
  const now = Math.floor((request.now ?? new Date()).getTime() / 1000);
  const { key, kid, algorithm } = keys.signing;
  return new SignJWT({
    client_id: request.clientId,
    scope: request.scope,
    ...(request.practitioner ? { rpps: request.practitioner } : {}),
    ...(request.patient ? { patient: request.patient } : {}),
    ...(request.certificate ? { cnf: { 'x5t#S256': request.certificate } } : {}),
    ...(request.related ? { fhirUser: `RelatedPerson/${request.related}` } : {}),
  })
    .setProtectedHeader({ alg: algorithm, kid, typ: 'at+jwt' })
    .setIssuer(issuerOf(config))
    .setAudience(audienceOf(config))
    .setSubject(request.practitioner ?? request.clientId)
    .setIssuedAt(now)
    .setNotBefore(now)
    .setExpirationTime(now + request.seconds)
    .setJti(randomUUID())
    .sign(key);
}

/**
 * The scope of a token minted by hand when none is asked for: that of the configured client; for any other name
 * everything, which only whoever reads the data folder can get.
 */
export function defaultScope({ access }: Config, clientId: string, forPerson: boolean): string {
  const client = access.clients.find((one) => one.client_id === clientId);
  return client?.scopes ?? (forPerson ? 'user/*.cruds' : 'system/*.cruds');
}
