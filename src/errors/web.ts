import type { ErrorEntry } from './entry.ts';

/** What the HTTP window itself answers, before or instead of a door. */
export const webErrors = {
  'path-unknown': {
    http: 404,
    issue: 'not-found',
    msa: 'AR',
    err3: '207',
    public: {
      fr: 'Ce chemin n’existe pas. Les chemins sont décrits dans le README, section HTTP.',
      en: 'There is nothing at this path. Paths are described in the README, section HTTP.',
    },
  },
  'method-unknown': {
    http: 405,
    issue: 'not-supported',
    msa: 'AR',
    err3: '207',
    public: {
      fr: 'Ce chemin ne connaît pas la méthode {method}. Méthodes possibles : {allowed}.',
      en: 'This path does not take the method {method}. Possible methods: {allowed}.',
    },
  },
  'message-unknown': {
    http: 404,
    issue: 'not-found',
    msa: 'AR',
    err3: '207',
    public: {
      fr: 'Aucun message de ce numéro ici, ou il n’est pas visible pour ce jeton. « passerelle messages » liste ceux du journal.',
      en: 'No message of this id is here, or it is not visible to this token. `passerelle messages` lists those of the journal.',
    },
  },
  'parameter-invalid': {
    http: 400,
    issue: 'value',
    msa: 'AR',
    err3: '207',
    public: {
      fr: 'Le paramètre {name} n’est pas valable. Attendu : {expected}.',
      en: 'The parameter {name} is not valid. Expected: {expected}.',
    },
  },
  'body-empty': {
    http: 400,
    issue: 'required',
    msa: 'AE',
    err3: '207',
    public: {
      fr: 'Le corps de la requête est vide. Envoyez le message dans le corps.',
      en: 'The body of the request is empty. Send the message in the body.',
    },
  },
  'body-broken': {
    http: 400,
    issue: 'structure',
    msa: 'AR',
    err3: '207',
    public: {
      fr: 'Le corps de la requête est arrivé incomplet ou mal compressé. Renvoyez-le.',
      en: 'The body of the request arrived incomplete or badly compressed. Send it again.',
    },
  },
  'encoding-unsupported': {
    http: 415,
    issue: 'not-supported',
    msa: 'AR',
    err3: '207',
    public: {
      fr: 'Content-Encoding {encoding} n’est pas accepté. Utilisez gzip, deflate ou aucun.',
      en: 'Content-Encoding {encoding} is not accepted. Use gzip, deflate or none.',
    },
  },
  'request-malformed': {
    http: 400,
    issue: 'invalid',
    msa: 'AR',
    err3: '207',
    public: {
      fr: 'La requête est mal formée (chemin ou en-têtes). Corrigez-la et renvoyez-la.',
      en: 'The request is malformed (path or headers). Correct it and send it again.',
    },
  },
  'request-slow': {
    http: 408,
    issue: 'timeout',
    msa: 'AR',
    err3: '207',
    public: {
      fr: 'La requête n’est pas arrivée entière en {seconds} secondes. Renvoyez-la.',
      en: 'The request did not arrive completely within {seconds} seconds. Send it again.',
    },
  },
  'too-many-requests': {
    http: 429,
    issue: 'throttled',
    msa: 'AR',
    err3: '207',
    public: {
      fr: 'Trop de requêtes de ce client. Attendez {seconds} secondes (en-tête Retry-After).',
      en: 'Too many requests from this client. Wait {seconds} seconds (header Retry-After).',
    },
  },
  internal: {
    http: 500,
    issue: 'exception',
    msa: 'AR',
    err3: '207',
    public: {
      fr: 'Une erreur interne s’est produite ; elle est journalisée sous {reference}. Renvoyez plus tard ou transmettez cette référence.',
      en: 'An internal error happened; it is in the log under {reference}. Send again later or pass this reference on.',
    },
  },
} satisfies Record<string, ErrorEntry>;
