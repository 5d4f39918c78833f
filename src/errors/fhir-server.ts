import type { ErrorEntry } from './entry.ts';

/** The FHIR server as a destination: unreachable, slow, busy, of another opinion. */
export const fhirServerErrors = {
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
  'fhir-timeout': {
    http: 504,
    issue: 'timeout',
    msa: 'AR',
    err3: '207',
    public: {
      fr: 'Le serveur FHIR n’a pas répondu à temps ; la passerelle vérifie ce qu’il a fait avant de recommencer.',
      en: 'The FHIR server did not answer in time; the gateway finds out what it did before trying again.',
    },
  },
  'fhir-busy': {
    http: 503,
    issue: 'throttled',
    msa: 'AR',
    err3: '207',
    public: {
      fr: 'Le serveur FHIR est occupé (statut {status}) ; la passerelle réessaiera.',
      en: 'The FHIR server is busy (status {status}); the gateway will try again.',
    },
  },
  'fhir-refused': {
    http: 422,
    issue: 'processing',
    msa: 'AE',
    err3: '207',
    public: {
      fr: 'Le serveur FHIR a refusé l’écriture (statut {status}). Sa raison, pour l’exploitant : passerelle message ID --detail.',
      en: 'The FHIR server refused the write (status {status}). Its reason, for the operator: passerelle message ID --detail.',
    },
  },
  'fhir-answer-unusable': {
    http: 502,
    issue: 'exception',
    msa: 'AR',
    err3: '207',
    public: {
      fr: 'La réponse du serveur FHIR n’est pas utilisable ({reason}).',
      en: 'The answer of the FHIR server cannot be used ({reason}).',
    },
  },
  'fhir-not-idempotent': {
    http: 422,
    issue: 'not-supported',
    msa: 'AE',
    err3: '207',
    public: {
      fr: 'Le serveur FHIR ne déclare aucun moyen d’écrire {type} deux fois sans doublon (updateCreate, conditionalCreate, conditionalUpdate). S’il en a un, indiquez-le dans fhir.abilities, puis rejouez le message.',
      en: 'The FHIR server declares no way to write {type} twice without a duplicate (updateCreate, conditionalCreate, conditionalUpdate). If it has one, say so in fhir.abilities, then replay the message.',
    },
  },
} satisfies Record<string, ErrorEntry>;
