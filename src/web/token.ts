import type { Request, Response } from 'express';
import { assertionType } from '../access/assertion.ts';
import { fhirBase } from '../access/demands.ts';
import type { Access } from '../access/index.ts';
import { answerFor, meetsChallenge, scopeForPerson } from '../access/persons.ts';
import { recordsOf } from '../access/porter-records.ts';
import { formatScopes, narrow, parseScopes } from '../access/scopes.ts';
import type { FhirEndpoint } from '../adapter.ts';
import type { ClientEntry, Config } from '../config/shape.ts';
import { certificateOf } from './certificate.ts';
import { baseUrl, failed, formOf, tokenEndpoints } from './oauth-request.ts';

const RPPS = 'https://rpps.esante.gouv.fr';

/** `POST /oauth2/token`: client credentials for machines; authorization code and refresh token for persons' programs. */
export async function token(
  config: Config,
  access: Access,
  fhir: FhirEndpoint,
  request: Request,
  response: Response,
): Promise<void> {
  response.set({ 'Cache-Control': 'no-store', Pragma: 'no-cache' });
  const form = formOf(request);
  if (!form) return failed(response, 400, 'invalid_request', 'Send each parameter once, as a form.');
  const grant = form.get('grant_type');
  if (grant !== 'client_credentials' && grant !== 'authorization_code' && grant !== 'refresh_token') {
    return failed(
      response,
      400,
      'unsupported_grant_type',
      'Known are client_credentials, authorization_code, refresh_token.',
    );
  }
  const client = await clientOf(config, access, request, form);
  if (typeof client === 'string') return failed(response, 401, 'invalid_client', client);
  const certificate = certificateOf(request);
  if (client.bound && !certificate) {
    return failed(response, 401, 'invalid_client', 'This client shows its certificate when it connects.');
  }
  if (grant !== 'client_credentials') {
    return forPerson({
      config,
      access,
      fhir,
      request,
      response,
      form,
      client,
      certificate: client.bound ? certificate : undefined,
    });
  }
  if (isPublic(client))
    return failed(response, 400, 'unauthorized_client', 'A client without keys acts for persons only.');
  const granted = await access.issuer?.grant(
    client.client_id,
    form.get('scope') ?? client.scopes,
    client.bound ? certificate : undefined,
  );
  if (!granted) return failed(response, 400, 'invalid_scope', "None of these scopes is this client's.");
  const { token: accessToken, scope, seconds } = granted;
  response.json({ access_token: accessToken, token_type: 'bearer', expires_in: seconds, scope });
}

function isPublic({ jwks, jwks_uri }: ClientEntry): boolean {
  return jwks === undefined && jwks_uri === undefined;
}

/** The client that asks, or why it is none: by assertion when it has keys, by its name when it is public. */
async function clientOf(
  config: Config,
  access: Access,
  request: Request,
  form: URLSearchParams,
): Promise<ClientEntry | string> {
  // A public program need not say its name to refresh: the token was given to one only.
  const refreshed = form.get('grant_type') === 'refresh_token' ? (form.get('refresh_token') ?? '') : '';
  const named = form.get('client_id') ?? access.persons?.logins.clientOf(refreshed);
  const assertion = form.get('client_assertion');
  if (form.get('client_assertion_type') === assertionType && assertion) {
    const client = await access.issuer?.authenticate(assertion, tokenEndpoints(config, request));
    if (!client || (named && named !== client.client_id))
      return 'The assertion proves no known client, or was used before.';
    return client;
  }
  const client = config.access.clients.find((one) => one.client_id === named);
  if (client && isPublic(client) && client.redirect_uris && form.get('grant_type') !== 'client_credentials')
    return client;
  return 'A client proves itself by private_key_jwt.';
}

interface Asked {
  config: Config;
  access: Access;
  fhir: FhirEndpoint;
  request: Request;
  response: Response;
  form: URLSearchParams;
  client: ClientEntry;
  certificate?: string;
}

async function forPerson({ config, access, fhir, request, response, form, client, certificate }: Asked): Promise<void> {
  const { persons } = access;
  if (!persons) return failed(response, 400, 'unsupported_grant_type', 'Persons do not log in here.');
  const isCode = form.get('grant_type') === 'authorization_code';
  const redeemed = persons.logins.redeem(
    isCode ? 'code' : 'refresh',
    form.get(isCode ? 'code' : 'refresh_token') ?? '',
  );
  const granted = redeemed?.granted;
  const invalid = () => failed(response, 400, 'invalid_grant', 'Expired, used before, or not given to this client.');
  if (!redeemed || !granted) return invalid();
  const fits =
    granted.clientId === client.client_id &&
    (!isCode ||
      (granted.redirectUri === form.get('redirect_uri') &&
        meetsChallenge(form.get('code_verifier') ?? '', granted.challenge ?? '')));
  // What the configuration no longer gives a client ends with its next refresh.
  const current = scopeForPerson(client, granted.scope);
  if (!fits || current === '') {
    persons.logins.end(redeemed.family);
    return invalid();
  }
  const asked = isCode ? null : form.get('scope');
  const narrowed = asked ? formatScopes(narrow(parseScopes(asked), parseScopes(current))) : '';
  if (asked && narrowed === '') return failed(response, 400, 'invalid_scope', 'A refresh never widens a scope.');
  const others = current.split(' ').filter((one) => parseScopes(one).length === 0);
  const scope = asked ? [...others, narrowed].join(' ') : current;
  const [practitioner] = await recordsOf(fhir).find('Practitioner', 'identifier', [`${RPPS}|${granted.practitioner}`]);
  const fhirUser =
    practitioner?.id && scope.split(' ').includes('fhirUser') ? `Practitioner/${practitioner.id}` : undefined;
  const base = `${baseUrl(config, request)}${fhirBase}`;
  response.json(
    await answerFor({
      config,
      keys: persons.keys,
      logins: persons.logins,
      granted: { ...granted, scope },
      family: redeemed.family,
      base,
      fhirUser,
      certificate,
    }),
  );
}
