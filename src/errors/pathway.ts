import type { ErrorEntry } from './entry.ts';

/** What the programme's rules find: agreement, first day of symptoms, readings, definitions. */
export const pathwayErrors = {
  'consent-missing': {
    http: 422,
    issue: 'business-rule',
    msa: 'AE',
    err3: '207',
    public: {
      fr: 'L’inclusion n’est pas possible sans l’accord du patient. Recueillez-le et renvoyez la demande.',
      en: 'The inclusion is not possible without the patient’s agreement. Collect it and send the request again.',
    },
  },
  'inclusion-active': {
    http: 200,
    issue: 'business-rule',
    msa: 'AE',
    err3: '207',
    public: {
      fr: 'Le patient est déjà suivi dans ce programme : aucun second parcours n’est ouvert, le référent reçoit la demande. Pour en ouvrir un autre, clôturez le premier, puis rejouez ce message.',
      en: 'The patient is already followed in this programme: no second pathway is opened, the care manager gets the request. To open another one, close the first, then replay this message.',
    },
  },
  'onset-missing': {
    http: 200,
    issue: 'incomplete',
    msa: 'AE',
    err3: '101',
    public: {
      fr: 'Le premier jour des signes (J1) manque ; les appels datés depuis J1 ne sont pas planifiés. Envoyez-le dès qu’il est connu.',
      en: 'The first day of symptoms (J1) is missing; calls dated from J1 are not planned. Send it once it is known.',
    },
  },
  'onset-doubtful': {
    http: 200,
    issue: 'value',
    msa: 'AE',
    err3: '102',
    public: {
      fr: 'Le premier jour des signes (J1) est dans le futur ou trop ancien ; rien n’est planifié depuis lui. Corrigez-le.',
      en: 'The first day of symptoms (J1) is in the future or too long ago; nothing is planned from it. Correct it.',
    },
  },
  'reading-future': {
    http: 422,
    issue: 'business-rule',
    msa: 'AE',
    err3: '102',
    public: {
      fr: 'Une mesure est datée dans le futur. Vérifiez l’horloge de l’appareil et renvoyez-la.',
      en: 'A reading is dated in the future. Check the clock of the device and send it again.',
    },
  },
  'reading-unit-unknown': {
    http: 422,
    issue: 'value',
    msa: 'AE',
    err3: '102',
    public: {
      fr: 'L’unité de la mesure ne peut pas être convertie en {wanted} : la mesure est gardée, mais aucune règle d’alerte ne peut la lire. Envoyez-la dans cette unité.',
      en: 'The unit of the reading cannot be converted to {wanted}: the reading is kept, but no rule of alert can read it. Send it in that unit.',
    },
  },
  'reading-implausible': {
    http: 422,
    issue: 'value',
    msa: 'AE',
    err3: '102',
    public: {
      fr: 'La valeur de {code} n’est pas possible (limites {low} à {high} {unit}). Vérifiez la mesure et l’unité.',
      en: 'The value of {code} is not possible (limits {low} to {high} {unit}). Check the reading and its unit.',
    },
  },
  'reading-incomplete': {
    http: 422,
    issue: 'required',
    msa: 'AE',
    err3: '101',
    public: {
      fr: 'Une mesure n’a pas de valeur dans une unité connue, ou pas d’heure. Envoyez-la dans l’unité du formulaire, avec son heure.',
      en: 'A reading has no value in a known unit, or no time. Send it in the unit of the form, with its time.',
    },
  },
  'plan-unknown': {
    http: 422,
    issue: 'not-found',
    msa: 'AE',
    err3: '207',
    public: {
      fr: 'Aucune définition de plan ne porte l’URL {canonical}. Les définitions sont dans profiles/PlanDefinition-*.json.',
      en: 'No plan definition has the URL {canonical}. Definitions are in profiles/PlanDefinition-*.json.',
    },
  },
  'plan-invalid': {
    http: 500,
    issue: 'exception',
    msa: 'AR',
    err3: '207',
    public: {
      fr: 'La définition de plan {file} est fausse : {problem}.',
      en: 'The plan definition {file} is wrong: {problem}.',
    },
  },
  'rules-invalid': {
    http: 500,
    issue: 'exception',
    msa: 'AR',
    err3: '207',
    public: {
      fr: 'Le fichier de règles {file} est faux en {pointer} : {problem}.',
      en: 'The rules file {file} is wrong at {pointer}: {problem}.',
    },
  },
} satisfies Record<string, ErrorEntry>;
