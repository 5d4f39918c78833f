import type { ErrorEntry } from './entry.ts';

/** The FHIR server, embedded or elsewhere. */
export const storeErrors = {
  'fhir-unreachable': {
    http: 503,
    issue: 'transient',
    msa: 'AR',
    err3: '207',
    public: {
      fr: 'Le serveur FHIR ne répond pas ; le message est gardé et sera livré dès son retour.',
      en: 'The FHIR server does not answer; the message is kept and will be delivered once it is back.',
    },
  },
} satisfies Record<string, ErrorEntry>;
