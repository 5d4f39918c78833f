import type { ErrorEntry } from './entry.ts';

/** Definitions that cannot be loaded, and resources that do not conform. */
export const profileErrors = {
  'profile-folder': {
    http: 500,
    issue: 'not-found',
    msa: 'AR',
    err3: '207',
    public: {
      fr: 'Le dossier de profils {folder} n’est pas lisible. Corrigez la configuration.',
      en: 'The profile folder {folder} cannot be read. Correct the configuration.',
    },
  },
  'profile-unreadable': {
    http: 500,
    issue: 'structure',
    msa: 'AR',
    err3: '207',
    public: {
      fr: '{place} n’est pas du JSON lisible : {problem}. Corrigez le fichier.',
      en: '{place} is not readable JSON: {problem}. Correct the file.',
    },
  },
  'profile-broken': {
    http: 500,
    issue: 'invariant',
    msa: 'AR',
    err3: '207',
    public: {
      fr: '{place} : la définition ne peut pas être utilisée : {problem}. Corrigez-la.',
      en: '{place}: the definition cannot be used: {problem}. Correct it.',
    },
  },
  'extraction-unknown': {
    http: 422,
    issue: 'not-found',
    msa: 'AE',
    err3: '204',
    public: {
      fr: 'Aucun questionnaire chargé ne dit comment extraire ces réponses ({place}). Nommez un questionnaire qui a des modèles d’extraction, ou joignez-le (paramètre questionnaire).',
      en: 'No loaded questionnaire says how to extract these answers ({place}). Name one that has extraction templates, or send it along (parameter questionnaire).',
    },
  },
  'extraction-nothing': {
    http: 200,
    issue: 'informational',
    msa: 'AE',
    err3: '207',
    public: {
      fr: 'Ces réponses ne donnent aucune ressource : elles ne sont pas terminées, ou rien n’y est à extraire. Envoyez-les complètes.',
      en: 'These answers give no resource: they are not finished, or nothing in them is to be extracted. Send them completed.',
    },
  },
  'extraction-elsewhere': {
    http: 200,
    issue: 'informational',
    msa: 'AE',
    err3: '207',
    public: {
      fr: 'D’autres ont déjà tiré des observations de ces réponses : rien n’en est extrait. Corrigez ces observations elles-mêmes.',
      en: 'Others have derived observations from these answers: nothing is extracted. Correct those observations themselves.',
    },
  },
  'extraction-failed': {
    http: 422,
    issue: 'processing',
    msa: 'AE',
    err3: '207',
    public: {
      fr: 'Les réponses ne peuvent pas être extraites : {problem}. Corrigez le questionnaire ou les réponses.',
      en: 'The answers cannot be extracted: {problem}. Correct the questionnaire or the answers.',
    },
  },
  'profile-violated': {
    http: 422,
    issue: 'invariant',
    msa: 'AE',
    err3: '102',
    public: {
      fr: 'Le contenu n’est pas conforme au profil {profile} à {place} (règle {rule}).',
      en: 'The content does not conform to the profile {profile} at {place} (rule {rule}).',
    },
  },
  'value-unfit': {
    http: 422,
    issue: 'value',
    msa: 'AE',
    err3: '102',
    public: {
      fr: 'Une valeur de la source n’a pas sa place dans FHIR à {place} : {message} Elle est laissée de côté, le message d’origine la garde. Faites-la corriger par l’émetteur.',
      en: 'A value of the source cannot stand in FHIR at {place}: {message} It is left out, the original message keeps it. Have the sender correct it.',
    },
  },
} satisfies Record<string, ErrorEntry>;
