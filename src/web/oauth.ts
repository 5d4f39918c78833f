import type { Request, Response, Router } from 'express';
import { assertionAlgorithms, assertionType } from '../access/assertion.ts';
import { fhirBase } from '../access/demands.ts';
import type { Access } from '../access/index.ts';
import { issuerOf } from '../access/issuer.ts';
import type { Config } from '../config/shape.ts';
import { rawBody } from './body.ts';

/** Discovery, keys and token endpoint: SMART App Launch 2.2 and OAuth 2.0 client credentials, RFC 6749 section 4.4. */
export function oauthRoutes(router: Router, config: Config, access: Access): void {
  const { issuer } = access;
  const discovery = (request: Request, response: Response) => {
    response.json(smartConfiguration(config, baseUrl(config, request), issuer !== undefined));
  };
  router.get('/.well-known/smart-configuration', discovery);
  router.get(`${fhirBase}/.well-known/smart-configuration`, discovery);
  if (!issuer) return;

  router.get('/oauth2/jwks', (_request, response) => {
    response.set('Cache-Control', 'public, max-age=300').json(issuer.jwks);
  });

  router.post(
    '/oauth2/token',
    rawBody(() => config.limits.formBytes),
    async (request, response) => {
      response.set({ 'Cache-Control': 'no-store', Pragma: 'no-cache' });
      const form = formOf(request);
      if (!form) return failed(response, 400, 'invalid_request', 'Send each parameter once, as a form.');
      if (form.get('grant_type') !== 'client_credentials') {
        return failed(response, 400, 'unsupported_grant_type', 'Only client_credentials is known here.');
      }
      const assertion = form.get('client_assertion');
      if (form.get('client_assertion_type') !== assertionType || !assertion) {
        return failed(response, 401, 'invalid_client', 'A client proves itself by private_key_jwt.');
      }
      const client = await issuer.authenticate(assertion, tokenEndpoints(config, request));
      const named = form.get('client_id');
      if (!client || (named && named !== client.client_id)) {
        return failed(response, 401, 'invalid_client', 'The assertion proves no known client, or was used before.');
      }
      const granted = await issuer.grant(client.client_id, form.get('scope') ?? client.scopes);
      if (!granted) return failed(response, 400, 'invalid_scope', 'None of these scopes is this client’s.');
      const { token, scope, seconds } = granted;
      response.json({ access_token: token, token_type: 'bearer', expires_in: seconds, scope });
    },
  );
}

/** The parameters of a form; undefined when it is none, or one is given twice. */
function formOf(request: Request): URLSearchParams | undefined {
  if (!request.is('application/x-www-form-urlencoded')) return undefined;
  const form = new URLSearchParams((request.body as Buffer).toString('utf8'));
  const names = [...form.keys()];
  return new Set(names).size === names.length ? form : undefined;
}

function failed(response: Response, status: number, error: string, description: string): void {
  response.status(status).json({ error, error_description: description.replace('’', "'") });
}

/** How the caller reached us; only for display, a forged Host header harms nobody but its sender. */
function baseUrl({ http }: Config, request: Request): string {
  if (http.publicUrl) return http.publicUrl.replace(/\/$/, '');
  const host = /^[A-Za-z0-9.:[\]-]{1,255}$/.test(request.get('host') ?? '') ? request.get('host') : 'localhost';
  return `${http.tls ? 'https' : 'http'}://${host}`;
}

/**
 * The audiences an assertion may name. Without a public URL these are the names of this machine's own loopback and the port
 * the connection came in by: what the caller claims in `Host` must not decide.
 */
function tokenEndpoints({ http }: Config, request: Request): string[] {
  if (http.publicUrl) return [`${http.publicUrl.replace(/\/$/, '')}/oauth2/token`];
  const port = request.socket.localPort;
  return ['127.0.0.1', 'localhost', '[::1]'].map(
    (host) => `${http.tls ? 'https' : 'http'}://${host}:${port}/oauth2/token`,
  );
}

function smartConfiguration(config: Config, base: string, ownIssuer: boolean) {
  return {
    ...(ownIssuer
      ? { issuer: issuerOf(config), jwks_uri: `${base}/oauth2/jwks`, token_endpoint: `${base}/oauth2/token` }
      : {}),
    grant_types_supported: ['client_credentials'],
    token_endpoint_auth_methods_supported: ['private_key_jwt'],
    token_endpoint_auth_signing_alg_values_supported: assertionAlgorithms,
    scopes_supported: ['system/*.cruds', 'system/*.rs', 'user/*.rs', 'patient/*.rs'],
    code_challenge_methods_supported: ['S256'],
    capabilities: [
      'client-confidential-asymmetric',
      'permission-v1',
      'permission-v2',
      'permission-user',
      'permission-patient',
    ],
  };
}
