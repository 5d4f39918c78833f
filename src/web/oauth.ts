import type { Request, Response, Router } from 'express';
import { assertionAlgorithms } from '../access/assertion.ts';
import { fhirBase } from '../access/demands.ts';
import type { Access } from '../access/index.ts';
import { issuerOf } from '../access/issuer.ts';
import type { FhirEndpoint } from '../adapter.ts';
import type { Config } from '../config/shape.ts';
import { rawBody } from './body.ts';
import { baseUrl } from './oauth-request.ts';
import { token } from './token.ts';

/** Discovery, keys and token endpoint: SMART App Launch 2.2 and OAuth 2.0, RFC 6749. */
export function oauthRoutes(router: Router, config: Config, access: Access, fhir: FhirEndpoint): void {
  const { issuer } = access;
  const discovery = (request: Request, response: Response) => {
    response.json(smartConfiguration(config, baseUrl(config, request), access));
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
    (request, response) => token(config, access, fhir, request, response),
  );
}

/** What is here, and nothing that is not: https://hl7.org/fhir/smart-app-launch/conformance.html */
function smartConfiguration(config: Config, base: string, { issuer, persons }: Access) {
  const ofPersons = ['launch-standalone', 'context-standalone-patient', 'permission-offline', 'sso-openid-connect'];
  const client = persons ? ['client-public', 'client-confidential-asymmetric'] : ['client-confidential-asymmetric'];
  return {
    ...(issuer
      ? { issuer: issuerOf(config), jwks_uri: `${base}/oauth2/jwks`, token_endpoint: `${base}/oauth2/token` }
      : {}),
    ...(persons
      ? {
          authorization_endpoint: `${base}/oauth2/authorize`,
          response_types_supported: ['code'],
          authorization_response_iss_parameter_supported: true,
        }
      : {}),
    ...(issuer
      ? {
          grant_types_supported: ['client_credentials', ...(persons ? ['authorization_code', 'refresh_token'] : [])],
          token_endpoint_auth_methods_supported: ['private_key_jwt', ...(persons ? ['none'] : [])],
          token_endpoint_auth_signing_alg_values_supported: assertionAlgorithms,
          ...(config.http.tls && config.http.tls.clientCertificate !== 'none'
            ? { tls_client_certificate_bound_access_tokens: true }
            : {}),
        }
      : {}),
    scopes_supported: [
      'system/*.cruds',
      'system/*.rs',
      'user/*.rs',
      'patient/*.rs',
      ...(persons ? ['openid', 'fhirUser', 'launch/patient', 'offline_access', 'online_access'] : []),
    ],
    code_challenge_methods_supported: ['S256'],
    capabilities: [
      ...(issuer ? client : []),
      ...(persons ? ofPersons : []),
      'permission-v1',
      'permission-v2',
      'permission-user',
      'permission-patient',
    ],
  };
}
