import type { ErrorEntry } from './entry.ts';

/** Doors, transport and journal: circumstances, limits, routes. */
export const doorErrors = {
  'not-durable': {
    http: 503,
    issue: 'transient',
    msa: 'AR',
    err3: '207',
    public: {
      fr: 'Le message n’a pas pu être écrit sur disque. Renvoyez-le plus tard.',
      en: 'The message could not be written to disk. Send it again later.',
    },
  },
  'too-much-waiting': {
    http: 503,
    issue: 'throttled',
    msa: 'AE',
    err3: '207',
    public: {
      fr: 'Trop de messages attendent déjà ; celui-ci n’a pas été pris. Renvoyez-le plus tard ; l’exploitant doit voir ce que le serveur FHIR ne prend pas (limits.waiting).',
      en: 'Too many messages wait already; this one was not taken. Send it again later; the operator must see what the FHIR server does not take (limits.waiting).',
    },
  },
  draining: {
    http: 503,
    issue: 'transient',
    msa: 'AR',
    err3: '207',
    public: {
      fr: 'La passerelle s’arrête ou démarre. Renvoyez le message dans quelques secondes.',
      en: 'The gateway is stopping or starting. Send the message again in a few seconds.',
    },
  },
  'too-large': {
    http: 413,
    issue: 'too-long',
    msa: 'AR',
    err3: '207',
    public: {
      fr: 'Le message dépasse la limite de {limit} octets. Réduisez-le ou demandez à relever la limite.',
      en: 'The message is larger than the limit of {limit} bytes. Make it smaller or ask for a higher limit.',
    },
  },
  'route-unknown': {
    http: 404,
    issue: 'not-found',
    msa: 'AE',
    err3: '200',
    public: {
      fr: 'Aucune route ne porte le nom {route}. Les routes sont dans mappings/routes.json.',
      en: 'There is no route called {route}. Routes are in mappings/routes.json.',
    },
  },
  'destination-unknown': {
    http: 500,
    issue: 'processing',
    msa: 'AR',
    err3: '207',
    public: {
      fr: 'Aucune destination ne porte le nom {destination}, ou elle ne sait pas livrer. Vérifiez la configuration, puis rejouez le message.',
      en: 'There is no destination called {destination}, or it cannot deliver. Check the configuration, then replay the message.',
    },
  },
} satisfies Record<string, ErrorEntry>;
