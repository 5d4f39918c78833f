import type { ErrorEntry } from './entry.ts';

/** What taking FHIR messages and readings over finds. */
export const fhirInputErrors = {
  'date-in-future': {
    http: 422,
    issue: 'business-rule',
    msa: 'AE',
    err3: '102',
    public: {
      fr: 'La mesure est datée de plus de {minutes} minutes dans l’avenir. Vérifiez l’horloge de l’appareil.',
      en: "The reading is dated more than {minutes} minutes in the future. Check the device's clock.",
    },
  },
  'reference-outside': {
    http: 422,
    issue: 'informational',
    msa: 'AE',
    err3: '101',
    public: {
      fr: 'Une référence nomme une ressource hors du message ; elle est gardée telle quelle et doit exister sur le serveur FHIR.',
      en: 'A reference names a resource outside the message; it is kept as it is and must exist on the FHIR server.',
    },
  },
  'reading-of-nobody': {
    http: 422,
    issue: 'informational',
    msa: 'AE',
    err3: '204',
    public: {
      fr: 'Une mesure appelle une alerte, mais son patient n’est pas connu ici : personne n’est prévenu. Désignez le patient par Patient/ID ou par un identifiant connu.',
      en: 'A reading calls for an alert, but its patient is not known here: nobody is told. Name the patient by Patient/ID or by a known identifier.',
    },
  },
  'several-patients': {
    http: 422,
    issue: 'business-rule',
    msa: 'AE',
    err3: '102',
    public: {
      fr: 'Le message parle de {count} patients. Envoyez un message par patient.',
      en: 'The message is about {count} patients. Send one message a patient.',
    },
  },
  'resource-unacceptable': {
    http: 422,
    issue: 'structure',
    msa: 'AE',
    err3: '102',
    public: {
      fr: 'Ce contenu FHIR n’est pas pris ici : {problem}.',
      en: 'This FHIR content is not taken here: {problem}.',
    },
  },
  'contained-meta': {
    http: 422,
    issue: 'invariant',
    msa: 'AE',
    err3: '102',
    public: {
      fr: 'Une ressource contenue porte meta.{element}, que FHIR interdit (dom-4) ; l’élément a été retiré.',
      en: 'A contained resource carries meta.{element}, which FHIR forbids (dom-4); the element was removed.',
    },
  },
  'measure-incomplete': {
    http: 422,
    issue: 'required',
    msa: 'AE',
    err3: '101',
    public: {
      fr: 'Il manque {element} à la mesure. Une mesure doit porter une date et une valeur.',
      en: 'The reading lacks {element}. A reading must carry a date and a value.',
    },
  },
  'measure-not-created': {
    http: 422,
    issue: 'business-rule',
    msa: 'AE',
    err3: '102',
    public: {
      fr: 'La mesure {code} n’est pas créée par ce flux : elle se calcule. Ne l’envoyez pas.',
      en: 'The measure {code} is not created by this feed: it is computed. Do not send it.',
    },
  },
  'value-impossible': {
    http: 422,
    issue: 'business-rule',
    msa: 'AE',
    err3: '102',
    public: {
      fr: 'La valeur est hors de ce qui est possible pour la mesure {code} ({low} à {high} {unit}). Vérifiez la valeur et l’unité.',
      en: 'The value is outside what is possible for the measure {code} ({low} to {high} {unit}). Check value and unit.',
    },
  },
} satisfies Record<string, ErrorEntry>;
