import type { ErrorEntry } from './entry.ts';

/** What maps and profiles find: unmapped codes, missing content, profile violations. */
export const mappingErrors = {
  'code-unmapped': {
    http: 422,
    issue: 'code-invalid',
    msa: 'AE',
    err3: '103',
    public: {
      fr: 'Le code local n’a pas de correspondance ; il est gardé tel quel. Complétez la table {table}.',
      en: 'The local code has no mapping; it is kept as it is. Extend the table {table}.',
    },
  },
  'map-invalid': {
    http: 500,
    issue: 'processing',
    msa: 'AR',
    err3: '207',
    public: {
      fr: 'Le fichier {file}, ligne {line}, règle {rule} : {problem}. Corrigez-le ; l’ancienne version reste en service.',
      en: 'File {file}, line {line}, rule {rule}: {problem}. Mend it; the old version stays in use.',
    },
  },
  'mapping-file-invalid': {
    http: 500,
    issue: 'processing',
    msa: 'AR',
    err3: '207',
    public: {
      fr: 'Le fichier {file} ne peut pas servir : {problem}. Corrigez-le ; l’ancienne version reste en service.',
      en: 'The file {file} cannot be used: {problem}. Mend it; the old version stays in use.',
    },
  },
  'route-missing': {
    http: 415,
    issue: 'not-supported',
    msa: 'AE',
    err3: '200',
    public: {
      fr: 'Aucune route de mappings/routes.json ne prend ce message. Vérifiez son type et son événement, ou ajoutez une route.',
      en: 'No route of mappings/routes.json takes this message. Check its type and event, or add a route.',
    },
  },
  'payload-invalid': {
    http: 422,
    issue: 'structure',
    msa: 'AE',
    err3: '102',
    public: {
      fr: 'Le contenu ne suit pas le schéma {schema} : {problem}.',
      en: 'The payload does not follow the schema {schema}: {problem}.',
    },
  },
  'check-failed': {
    http: 422,
    issue: 'business-rule',
    msa: 'AE',
    err3: '101',
    public: {
      fr: 'Une condition que la règle {rule} exige n’est pas remplie. Complétez ou corrigez le message à l’endroit indiqué.',
      en: 'A condition that rule {rule} requires does not hold. Complete or correct the message at the place named.',
    },
  },
  'map-finding': {
    http: 422,
    issue: 'business-rule',
    msa: 'AE',
    err3: '102',
    public: {
      fr: 'La règle {rule} signale le contenu à l’endroit indiqué ; le détail est dans le journal du message.',
      en: 'Rule {rule} reports the content at the place named; the detail is kept with the message.',
    },
  },
  'map-log': {
    http: 422,
    issue: 'informational',
    msa: 'AE',
    err3: '0',
    public: {
      fr: 'La règle {rule} laisse une note ; elle est gardée avec le message.',
      en: 'Rule {rule} leaves a note; it is kept with the message.',
    },
  },
  'value-misfit': {
    http: 422,
    issue: 'value',
    msa: 'AE',
    err3: '102',
    public: {
      fr: 'La valeur ne peut pas devenir un élément de type {type} ; elle n’a pas été reprise. Corrigez-la à la source.',
      en: 'The value cannot become an element of type {type}; it was left out. Correct it at the source.',
    },
  },
  'value-repeated': {
    http: 422,
    issue: 'structure',
    msa: 'AE',
    err3: '102',
    public: {
      fr: 'La valeur est répétée là où une seule est attendue ; la première a été prise.',
      en: 'The value is repeated where one is expected; the first was taken.',
    },
  },
  'value-fallen': {
    http: 422,
    issue: 'processing',
    msa: 'AE',
    err3: '102',
    public: {
      fr: 'La valeur à l’endroit indiqué n’est ni reprise, ni gardée, ni ignorée par une règle déclarée. Complétez la correspondance {map}.',
      en: 'The value at the place named is neither mapped, kept, nor ignored by a declared rule. Complete the map {map}.',
    },
  },
  'number-unreadable': {
    http: 422,
    issue: 'value',
    msa: 'AE',
    err3: '102',
    public: {
      fr: 'La valeur n’est pas un nombre ; elle n’a pas été reprise. Envoyez un nombre, avec un point ou une virgule.',
      en: 'The value is no number; it was left out. Send a number, with a point or a comma.',
    },
  },
  'unit-unknown': {
    http: 422,
    issue: 'value',
    msa: 'AE',
    err3: '102',
    public: {
      fr: 'L’unité ne peut pas être convertie en {wanted} ; la mesure n’a pas été reprise. Envoyez-la dans cette unité.',
      en: 'The unit cannot be converted to {wanted}; the reading was left out. Send it in that unit.',
    },
  },
  'date-unreadable': {
    http: 422,
    issue: 'value',
    msa: 'AE',
    err3: '102',
    public: {
      fr: 'La date n’est pas lisible ou n’existe pas ; elle n’a pas été reprise. Envoyez une date ISO 8601 ou HL7.',
      en: 'The date cannot be read or does not exist; it was left out. Send an ISO 8601 or HL7 date.',
    },
  },
  'date-imprecise': {
    http: 422,
    issue: 'value',
    msa: 'AE',
    err3: '102',
    public: {
      fr: 'Un instant précis est attendu ici ; la date sans heure n’a pas été reprise.',
      en: 'A full moment is wanted here; the date without a time was left out.',
    },
  },
  'reference-unresolved': {
    http: 422,
    issue: 'not-found',
    msa: 'AE',
    err3: '101',
    public: {
      fr: 'Une référence vise une ressource qui n’est pas dans le message ; elle n’a pas été reprise.',
      en: 'A reference names a resource that is not in the message; it was left out.',
    },
  },
  'findings-cut': {
    http: 422,
    issue: 'too-costly',
    msa: 'AE',
    err3: '207',
    public: {
      fr: 'Il y a {count} autres constats ; les premiers sont listés. Corrigez-les et renvoyez le message.',
      en: 'There are {count} more findings; the first ones are listed. Correct them and send the message again.',
    },
  },
  'resource-empty': {
    http: 422,
    issue: 'incomplete',
    msa: 'AE',
    err3: '101',
    public: {
      fr: 'Une ressource {type} n’a reçu aucun contenu ; elle n’est pas écrite.',
      en: 'A resource {type} received no content; it is not written.',
    },
  },
  'too-many-resources': {
    http: 422,
    issue: 'too-costly',
    msa: 'AE',
    err3: '207',
    public: {
      fr: 'Le message donne plus de {limit} ressources. Divisez-le.',
      en: 'The message gives more than {limit} resources. Split it.',
    },
  },
  'map-too-deep': {
    http: 422,
    issue: 'too-costly',
    msa: 'AE',
    err3: '207',
    public: {
      fr: 'Le message est imbriqué sur plus de {limit} niveaux. Aplatissez-le.',
      en: 'The message is nested more than {limit} levels deep. Flatten it.',
    },
  },
  'map-crashed': {
    http: 500,
    issue: 'exception',
    msa: 'AR',
    err3: '207',
    public: {
      fr: 'La correspondance {map} a échoué sur ce message ; il est gardé. Prévenez l’exploitant.',
      en: 'The map {map} failed on this message; it is kept. Tell the operator.',
    },
  },
  'subject-missing': {
    http: 422,
    issue: 'required',
    msa: 'AE',
    err3: '101',
    public: {
      fr: 'Il manque le patient : ni ressource Patient, ni subject.identifier avec un système. Ajoutez l’un des deux.',
      en: 'The patient is missing: neither a Patient resource nor a subject.identifier with a system. Add one of them.',
    },
  },
  'nothing-converted': {
    http: 422,
    issue: 'incomplete',
    msa: 'AE',
    err3: '207',
    public: {
      fr: 'Rien dans ce message n’a de sens pour la passerelle ; vérifiez la route et le contenu.',
      en: 'Nothing in this message means anything to the gateway; check the route and the content.',
    },
  },
} satisfies Record<string, ErrorEntry>;
