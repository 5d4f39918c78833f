import type { ErrorEntry } from './entry.ts';

/** Who may do what: tokens, scopes, circle, consent. */
export const accessErrors = {
  'token-missing': {
    http: 401,
    issue: 'login',
    msa: 'AR',
    err3: '207',
    public: {
      fr: 'Un jeton d’accès est nécessaire. Demandez-le à /oauth2/token et envoyez-le dans Authorization: Bearer.',
      en: 'An access token is needed. Ask /oauth2/token for one and send it in Authorization: Bearer.',
    },
  },
  'token-invalid': {
    http: 401,
    issue: 'login',
    msa: 'AR',
    err3: '207',
    public: {
      fr: 'Le jeton d’accès n’est pas valable ici ou a expiré. Demandez-en un nouveau à /oauth2/token.',
      en: 'The access token is not valid here or has expired. Ask /oauth2/token for a new one.',
    },
  },
  'scope-missing': {
    http: 403,
    issue: 'forbidden',
    msa: 'AR',
    err3: '207',
    public: {
      fr: 'Le jeton ne porte pas le scope {scope}. Demandez un jeton qui le porte.',
      en: 'The token lacks the scope {scope}. Ask for a token that carries it.',
    },
  },
} satisfies Record<string, ErrorEntry>;
