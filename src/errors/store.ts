import type { ErrorEntry } from './entry.ts';

/** What the embedded FHIR server refuses, and what the FHIR API says. */
export const storeErrors = {
  'store-not-durable': {
    http: 503,
    issue: 'transient',
    msa: 'AR',
    err3: '207',
    public: {
      fr: 'L’entrepôt FHIR n’a pas pu écrire sur disque ; rien n’a été changé. Réessayez plus tard.',
      en: 'The FHIR store could not write to disk; nothing was changed. Try again later.',
    },
  },
  'write-waiting': {
    http: 202,
    issue: 'informational',
    msa: 'AE',
    err3: '0',
    public: {
      fr: 'L’écriture est sur disque et sera appliquée ; son état se lit à l’adresse donnée par Content-Location.',
      en: 'The write is on disk and will be applied; its state can be read at the address in Content-Location.',
    },
  },
  'fhir-type-unsupported': {
    http: 415,
    issue: 'not-supported',
    msa: 'AE',
    err3: '207',
    public: {
      fr: 'Ce type de contenu n’est pas accepté à cette adresse. Envoyez {expected}.',
      en: 'This content type is not taken at this address. Send {expected}.',
    },
  },
  'type-unknown': {
    http: 404,
    issue: 'not-supported',
    msa: 'AE',
    err3: '207',
    public: {
      fr: 'FHIR R4 n’a pas de ressource {type}.',
      en: 'FHIR R4 has no resource {type}.',
    },
  },
  'resource-unknown': {
    http: 404,
    issue: 'not-found',
    msa: 'AE',
    err3: '204',
    public: {
      fr: 'Il n’y a pas de {reference} ici.',
      en: 'There is no {reference} here.',
    },
  },
  'resource-deleted': {
    http: 410,
    issue: 'deleted',
    msa: 'AE',
    err3: '204',
    public: {
      fr: '{reference} a été supprimé ; ses versions antérieures se lisent par {reference}/_history.',
      en: '{reference} was deleted; its earlier versions can be read at {reference}/_history.',
    },
  },
  'interaction-unsupported': {
    http: 405,
    issue: 'not-supported',
    msa: 'AE',
    err3: '207',
    public: {
      fr: '{method} n’est pas offert à cette adresse. Voyez metadata.',
      en: '{method} is not offered at this address. See metadata.',
    },
  },
  'operation-unsupported': {
    http: 501,
    issue: 'not-supported',
    msa: 'AE',
    err3: '207',
    public: {
      fr: 'L’opération {operation} n’est pas offerte ici. Voyez metadata.',
      en: 'The operation {operation} is not offered here. See metadata.',
    },
  },
  'fhir-request-invalid': {
    http: 400,
    issue: 'invalid',
    msa: 'AE',
    err3: '207',
    public: {
      fr: 'La requête FHIR n’est pas correcte : {reason}.',
      en: 'The FHIR request is not right: {reason}.',
    },
  },
  'resource-invalid': {
    http: 422,
    issue: 'structure',
    msa: 'AE',
    err3: '102',
    public: {
      fr: 'La structure de la ressource n’est pas celle de FHIR R4 : {reason}.',
      en: 'The resource does not have the structure of FHIR R4: {reason}.',
    },
  },
  'resource-finding': {
    http: 422,
    issue: 'invariant',
    msa: 'AE',
    err3: '102',
    public: {
      fr: '{message}',
      en: '{message}',
    },
  },
  'resource-valid': {
    http: 200,
    issue: 'informational',
    msa: 'AE',
    err3: '0',
    public: {
      fr: 'La ressource est valide.',
      en: 'The resource is valid.',
    },
  },
  'url-too-long': {
    http: 414,
    issue: 'too-long',
    msa: 'AE',
    err3: '207',
    public: {
      fr: 'L’adresse dépasse {limit} caractères. Envoyez la recherche par POST à [type]/_search.',
      en: 'The address is longer than {limit} characters. Send the search by POST to [type]/_search.',
    },
  },
  'search-parameter-unknown': {
    http: 400,
    issue: 'not-supported',
    msa: 'AE',
    err3: '207',
    public: {
      fr: 'Le paramètre de recherche {parameter} n’existe pas pour {type}. Ceux qui existent sont dans metadata.',
      en: 'There is no search parameter {parameter} for {type}. Those that exist are in metadata.',
    },
  },
  'search-parameter-ignored': {
    http: 200,
    issue: 'not-supported',
    msa: 'AE',
    err3: '207',
    public: {
      fr: 'Le paramètre de recherche {parameter} n’existe pas pour {type} ; il n’a pas été appliqué.',
      en: 'There is no search parameter {parameter} for {type}; it was not applied.',
    },
  },
  'search-modifier-unsupported': {
    http: 400,
    issue: 'not-supported',
    msa: 'AE',
    err3: '207',
    public: {
      fr: 'Le modificateur :{modifier} n’est pas offert pour le paramètre {parameter}.',
      en: 'The modifier :{modifier} is not offered for the parameter {parameter}.',
    },
  },
  'search-value-invalid': {
    http: 400,
    issue: 'value',
    msa: 'AE',
    err3: '207',
    public: {
      fr: 'La valeur du paramètre {parameter} n’est pas du type {expected}.',
      en: 'The value of the parameter {parameter} is not of the type {expected}.',
    },
  },
  'search-too-costly': {
    http: 400,
    issue: 'too-costly',
    msa: 'AE',
    err3: '207',
    public: {
      fr: 'La recherche dépasse une limite : {limit}. Resserrez-la.',
      en: 'The search goes beyond a limit: {limit}. Narrow it.',
    },
  },
  'include-truncated': {
    http: 200,
    issue: 'incomplete',
    msa: 'AE',
    err3: '207',
    public: {
      fr: 'Plus de {limit} ressources à inclure ; les autres manquent à cette page. Demandez des pages plus petites.',
      en: 'More than {limit} resources to include; the others are missing from this page. Ask for smaller pages.',
    },
  },
  'match-several': {
    http: 412,
    issue: 'multiple-matches',
    msa: 'AE',
    err3: '205',
    public: {
      fr: 'Plusieurs {type} répondent au critère ; précisez-le.',
      en: 'Several {type} match the criterion; make it more precise.',
    },
  },
  'match-none': {
    http: 404,
    issue: 'not-found',
    msa: 'AE',
    err3: '204',
    public: {
      fr: 'Aucun {type} ne répond au critère.',
      en: 'No {type} matches the criterion.',
    },
  },
  'version-conflict': {
    http: 412,
    issue: 'conflict',
    msa: 'AE',
    err3: '207',
    public: {
      fr: 'La version attendue par If-Match n’est plus la version courante ({current}). Relisez, puis recommencez.',
      en: 'The version If-Match expects is no longer the current one ({current}). Read again, then retry.',
    },
  },
  'resource-exists': {
    http: 412,
    issue: 'conflict',
    msa: 'AE',
    err3: '205',
    public: {
      fr: '{reference} existe déjà, et If-None-Match l’exclut.',
      en: '{reference} exists already, and If-None-Match rules that out.',
    },
  },
  'patch-failed': {
    http: 422,
    issue: 'processing',
    msa: 'AE',
    err3: '207',
    public: {
      fr: 'Le patch ne s’applique pas : {reason}.',
      en: 'The patch does not apply: {reason}.',
    },
  },
  'transaction-repeats': {
    http: 400,
    issue: 'invalid',
    msa: 'AE',
    err3: '207',
    public: {
      fr: 'Une même ressource ne peut apparaître qu’une fois dans une transaction.',
      en: 'A resource can appear only once in a transaction.',
    },
  },
  'transaction-too-large': {
    http: 413,
    issue: 'too-costly',
    msa: 'AE',
    err3: '207',
    public: {
      fr: 'Le Bundle porte plus de {limit} entrées. Découpez-le.',
      en: 'The Bundle holds more than {limit} entries. Cut it up.',
    },
  },
} satisfies Record<string, ErrorEntry>;
