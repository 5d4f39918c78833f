import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import Provider from 'oidc-provider';

/** A real OpenID Connect provider in the place of Pro Santé Connect: same claims, and no password to type. */
export interface FakePsc {
  issuer: string;
  /** Who is logged in next: the national identifier (`8` and the RPPS), or something that is none. */
  next: { nameId: string };
  close(): Promise<void>;
}

export const secret = 'a-secret-for-tests-only-0123456789';

export async function startPsc(callback: string): Promise<FakePsc> {
  const next = { nameId: '810000000001' };
  let provider: Provider;
  const server: Server = createServer((request, response) => {
    const url = request.url ?? '';
    if (url.startsWith('/interaction/')) void agree(provider, request, response, next.nameId);
    else provider.callback()(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  provider = new Provider(issuer, {
    clients: [
      {
        client_id: 'passerelle',
        client_secret: secret,
        redirect_uris: [callback],
        grant_types: ['authorization_code'],
      },
    ],
    scopes: ['openid', 'scope_all'],
    claims: { openid: ['sub'], scope_all: ['SubjectNameID', 'preferred_username', 'SubjectRefPro'] },
    pkce: { required: () => true },
    features: { devInteractions: { enabled: false } },
    interactions: { url: (_context: unknown, { uid }: { uid: string }) => `/interaction/${uid}` },
    cookies: { keys: ['for tests only'] },
    findAccount: (_context: unknown, id: string) => ({ accountId: id, claims: () => claimsOf(id) }),
  });
  return {
    issuer,
    next,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}

function claimsOf(id: string) {
  return {
    sub: `f:00000000-0000-4000-8000-000000000000:${id}`,
    SubjectNameID: id,
    preferred_username: id,
    SubjectRefPro: {
      codeCivilite: 'M',
      exercices: [
        {
          nomDexercice: 'ESSAI',
          prenomDexercice: 'Camille',
          codeProfession: '10',
          codeCategorieProfessionnelle: 'C',
          activities: [],
        },
      ],
    },
  };
}

async function agree(provider: Provider, request: any, response: any, account: string): Promise<void> {
  const { params, session } = await provider.interactionDetails(request, response);
  const accountId = session?.accountId ?? account;
  const grant = new provider.Grant({ accountId, clientId: params.client_id });
  grant.addOIDCScope('openid scope_all');
  const result = { login: { accountId }, consent: { grantId: await grant.save() } };
  await provider.interactionFinished(request, response, result);
}
