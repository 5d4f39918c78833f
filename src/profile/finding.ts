/** What the examiner has to say about one place of a resource. */
export interface Finding {
  /** `information` also says what could not be judged. */
  severity: 'error' | 'warning' | 'information';
  /** FHIRPath place, `Observation.category[0].coding[1].code`. Never holds content of the resource. */
  path: string;
  /** Key of a FHIRPath invariant (`obs-6`) or name of a structural rule (`min`, `binding`, …; see the room's README). */
  rule: string;
  /** Canonical of the definition that states the rule. */
  profile: string;
  message: { en: string; fr: string };
}

type Parameters = Record<string, string | number>;

const sentences = {
  resource: {
    en: 'This is not a FHIR R4 resource: it needs a resourceType that R4 knows.',
    fr: 'Ce n’est pas une ressource FHIR R4 : il faut un resourceType que R4 connaît.',
  },
  'unknown-property': {
    en: 'The property {name} does not exist here. Remove it or carry it in an extension.',
    fr: 'La propriété {name} n’existe pas ici. Retirez-la ou portez-la dans une extension.',
  },
  empty: {
    en: 'This element has no content. Remove it or fill it in.',
    fr: 'Cet élément est vide. Retirez-le ou remplissez-le.',
  },
  shape: {
    en: 'This element must be {expected} in JSON.',
    fr: 'Cet élément doit être {expected} en JSON.',
  },
  format: {
    en: 'The value does not have the format of the type {type}.',
    fr: 'La valeur n’a pas le format du type {type}.',
  },
  whitespace: {
    en: 'The value begins or ends with a space, or holds only spaces.',
    fr: 'La valeur commence ou finit par une espace, ou ne contient que des espaces.',
  },
  choice: {
    en: 'Only one type may be given for {name}[x].',
    fr: 'Un seul type peut être donné pour {name}[x].',
  },
  min: {
    en: 'At least {min} × {name} is needed, {count} found.',
    fr: 'Il faut au moins {min} × {name}, trouvé {count}.',
  },
  max: {
    en: 'At most {max} × {name} is allowed, {count} found.',
    fr: 'Il y a au plus {max} × {name}, trouvé {count}.',
  },
  type: {
    en: 'The type {type} is not allowed here; allowed: {allowed}.',
    fr: 'Le type {type} n’est pas permis ici ; permis : {allowed}.',
  },
  fixed: {
    en: 'The value must be exactly the one the profile fixes: {expected}.',
    fr: 'La valeur doit être exactement celle que le profil fixe : {expected}.',
  },
  pattern: {
    en: 'The value must contain what the profile asks for: {expected}.',
    fr: 'La valeur doit contenir ce que le profil demande : {expected}.',
  },
  binding: {
    en: 'A code from the value set {valueSet} is required.',
    fr: 'Un code du jeu de valeurs {valueSet} est exigé.',
  },
  'binding-extensible': {
    en: 'A code from the value set {valueSet} should be used if one fits.',
    fr: 'Un code du jeu de valeurs {valueSet} devrait être utilisé s’il en existe un qui convient.',
  },
  'binding-other-coding': {
    en: 'Beside the required code there is a coding of a system nobody here holds; HL7’s offline validator refuses that.',
    fr: 'À côté du code exigé se trouve un codage d’un système inconnu ici ; le validateur HL7 hors ligne le refuse.',
  },
  code: {
    en: 'The code does not exist in the code system {system}.',
    fr: 'Le code n’existe pas dans le système {system}.',
  },
  'coding-system': {
    en: 'A coding without system has no defined meaning. Give the system.',
    fr: 'Un codage sans système n’a pas de sens défini. Donnez le système.',
  },
  unit: {
    en: 'The unit code is not UCUM.',
    fr: 'Le code d’unité n’est pas de l’UCUM.',
  },
  slice: {
    en: 'At least {min} × {name} in the slice {slice} is needed, {count} found.',
    fr: 'Il faut au moins {min} × {name} dans la tranche {slice}, trouvé {count}.',
  },
  'slice-max': {
    en: 'At most {max} × {name} in the slice {slice} is allowed, {count} found.',
    fr: 'Il y a au plus {max} × {name} dans la tranche {slice}, trouvé {count}.',
  },
  'slice-closed': {
    en: 'This {name} fits none of the slices, and the profile allows no others.',
    fr: 'Ce {name} n’entre dans aucune tranche, et le profil n’en permet pas d’autre.',
  },
  'slice-order': {
    en: 'The slices of {name} are not in the order the profile asks for.',
    fr: 'Les tranches de {name} ne sont pas dans l’ordre que le profil demande.',
  },
  'type-profile': {
    en: 'The value conforms to none of the profiles allowed here: {allowed}.',
    fr: 'La valeur n’est conforme à aucun des profils permis ici : {allowed}.',
  },
  target: {
    en: 'The reference points at {type}; allowed: {allowed}.',
    fr: 'La référence vise {type} ; permis : {allowed}.',
  },
  'target-profile': {
    en: 'The resource referred to conforms to none of the profiles allowed here: {allowed}.',
    fr: 'La ressource visée n’est conforme à aucun des profils permis ici : {allowed}.',
  },
  reference: {
    en: 'A reference within the resource must name one of its contained resources.',
    fr: 'Une référence interne doit désigner une ressource contenue.',
  },
  'reference-bundle': {
    en: 'Nothing in the Bundle has the fullUrl this reference names.',
    fr: 'Rien dans le Bundle n’a le fullUrl que cette référence désigne.',
  },
  'reference-format': {
    en: 'In a Bundle a relative reference is Type/id (in a request also Type?search).',
    fr: 'Dans un Bundle, une référence relative s’écrit Type/id (Type?recherche aussi dans une requête).',
  },
  'reference-type': {
    en: 'Reference.type says {type}, the reference itself {found}.',
    fr: 'Reference.type dit {type}, la référence elle-même {found}.',
  },
  url: {
    en: 'An absolute URL is needed here.',
    fr: 'Il faut ici une URL absolue.',
  },
  'extension-context': {
    en: 'The extension {name} must not be used on this element; it belongs on: {allowed}.',
    fr: 'L’extension {name} ne doit pas être utilisée sur cet élément ; elle va sur : {allowed}.',
  },
  'extension-modifier': {
    en: 'The extension {name} is in the wrong place: {expected}.',
    fr: 'L’extension {name} est au mauvais endroit : {expected}.',
  },
  'extension-unknown': {
    en: 'No definition of the extension {name} is at hand; its content was judged as a plain extension.',
    fr: 'La définition de l’extension {name} n’est pas disponible ; son contenu a été jugé comme une extension quelconque.',
  },
  'extension-part': {
    en: 'The extension {name} defines no part of this name.',
    fr: 'L’extension {name} ne définit aucune partie de ce nom.',
  },
  id: {
    en: 'An id has 1 to 64 letters, digits, hyphens or full stops.',
    fr: 'Un id a de 1 à 64 lettres, chiffres, tirets ou points.',
  },
  'id-missing': {
    en: 'A resource here needs an id.',
    fr: 'Une ressource a besoin d’un id ici.',
  },
  'id-duplicate': {
    en: 'The same id is used twice within the resource.',
    fr: 'Le même id est utilisé deux fois dans la ressource.',
  },
  'identifier-value': {
    en: 'With the system urn:ietf:rfc:3986 the value must be a full URI.',
    fr: 'Avec le système urn:ietf:rfc:3986, la valeur doit être un URI complet.',
  },
  'attachment-size': {
    en: 'The size given is not that of the data.',
    fr: 'La taille donnée n’est pas celle des données.',
  },
  'attachment-hash': {
    en: 'The hash given is not the SHA-1 of the data.',
    fr: 'L’empreinte donnée n’est pas le SHA-1 des données.',
  },
  'bundle-full-url': {
    en: 'Every entry needs an absolute fullUrl that ends with the type and id of its resource.',
    fr: 'Chaque entrée a besoin d’un fullUrl absolu qui finit par le type et l’id de sa ressource.',
  },
  'bundle-first': {
    en: 'The first entry must be a {type}.',
    fr: 'La première entrée doit être un {type}.',
  },
  'bundle-reach': {
    en: 'The entry cannot be reached from the Composition.',
    fr: 'L’entrée n’est pas atteignable depuis la Composition.',
  },
  'profile-type': {
    en: 'The profile is for {expected}, the resource is a {type}.',
    fr: 'Le profil est pour {expected}, la ressource est un {type}.',
  },
  'profile-unknown': {
    en: 'The profile {name} is not loaded; the resource was not judged against it.',
    fr: 'Le profil {name} n’est pas chargé ; la ressource n’a pas été jugée d’après lui.',
  },
  invariant: {
    en: 'The rule {key} does not hold: {human}',
    fr: 'La règle {key} n’est pas respectée : {human}',
  },
  'not-checked': {
    en: 'Not judged: {what}.',
    fr: 'Non jugé : {what}.',
  },
  'questionnaire-link': {
    en: 'The questionnaire has no such linkId at this place.',
    fr: 'Le questionnaire n’a pas ce linkId à cet endroit.',
  },
  'questionnaire-order': {
    en: 'The items are not in the order of the questionnaire.',
    fr: 'Les éléments ne sont pas dans l’ordre du questionnaire.',
  },
  'questionnaire-required': {
    en: 'The question {linkId} needs an answer.',
    fr: 'La question {linkId} doit avoir une réponse.',
  },
  'questionnaire-repeated': {
    en: 'The item {linkId} is given more than once.',
    fr: 'L’élément {linkId} est donné plusieurs fois.',
  },
  'questionnaire-disabled': {
    en: 'The question {linkId} is not to be asked here.',
    fr: 'La question {linkId} n’est pas à poser ici.',
  },
  'questionnaire-group': {
    en: 'A group or a text takes no answer.',
    fr: 'Un groupe ou un texte ne prend pas de réponse.',
  },
  'questionnaire-one': {
    en: 'Only one answer is allowed.',
    fr: 'Une seule réponse est permise.',
  },
  'questionnaire-type': {
    en: 'A question of type {type} takes {allowed}.',
    fr: 'Une question de type {type} prend {allowed}.',
  },
  'questionnaire-length': {
    en: 'At most {max} characters are allowed.',
    fr: 'Il y a au plus {max} caractères.',
  },
  'questionnaire-option': {
    en: 'The answer is none of those the question offers.',
    fr: 'La réponse n’est aucune de celles que la question propose.',
  },
  'limit-depth': {
    en: 'Judging stopped: the resource is nested too deep.',
    fr: 'L’examen a été arrêté : la ressource est trop imbriquée.',
  },
  'limit-work': {
    en: 'Judging stopped: the resource asks for too much work.',
    fr: 'L’examen a été arrêté : la ressource demande trop de travail.',
  },
  'limit-findings': {
    en: 'Judging stopped: there are too many findings.',
    fr: 'L’examen a été arrêté : il y a trop de constats.',
  },
  'not-checked-answers': {
    en: 'Not judged: the answers, because their questionnaire is not loaded.',
    fr: 'Non jugé : les réponses, car leur questionnaire n’est pas chargé.',
  },
} satisfies Record<string, { en: string; fr: string }>;

/** Names of the structural rules. */
export type Rule = keyof typeof sentences;

/** Every sentence in pieces, text and name of a parameter in turn. */
const pieces = new Map<string, string[]>();

function fill(sentence: string, parameters: Parameters): string {
  let parts = pieces.get(sentence);
  if (!parts) {
    parts = sentence.split(/\{(\w+)\}/);
    pieces.set(sentence, parts);
  }
  let filled = parts[0] as string;
  for (let at = 1; at < parts.length; at += 2) {
    filled += String(parameters[parts[at] as string] ?? '') + parts[at + 1];
  }
  return filled;
}

/** Both sentences of a structural rule, with its parameters filled in. */
export function sentencesOf(rule: Rule, parameters: Parameters): { en: string; fr: string } {
  const { en, fr } = sentences[rule];
  return { en: fill(en, parameters), fr: fill(fr, parameters) };
}

/** A property's name as it may be shown: only what looks like one of FHIR's, for a name from outside may hold anything. */
export function safeName(name: string): string {
  return /^_?[a-z][A-Za-z]{0,39}$/.test(name) ? name : '(…)';
}
