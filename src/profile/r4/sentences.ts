import type { ElementDefinitionConstraint, Extension } from '@medplum/fhirtypes';

/** What the invariants of R4 that senders meet most often ask for, in our words. */
const sentences: Record<string, { en: string; fr: string }> = {
  'att-1': { en: 'inline data needs a contentType.', fr: 'des données en ligne ont besoin d’un contentType.' },
  'app-2': { en: 'start and end come together or not at all.', fr: 'start et end vont ensemble ou pas du tout.' },
  'app-3': {
    en: 'only a proposed, cancelled or waitlisted appointment may lack start and end.',
    fr: 'seul un rendez-vous proposé, annulé ou en attente peut être sans start ni end.',
  },
  'bdl-1': { en: 'total is for searches and histories only.', fr: 'total est réservé aux recherches et historiques.' },
  'bdl-2': { en: 'entry.search is for searches only.', fr: 'entry.search est réservé aux recherches.' },
  'bdl-3': {
    en: 'entry.request is needed in a batch, transaction or history, and forbidden elsewhere.',
    fr: 'entry.request est exigé dans un lot, une transaction ou un historique, et interdit ailleurs.',
  },
  'bdl-4': {
    en: 'entry.response is needed in a response or history, and forbidden elsewhere.',
    fr: 'entry.response est exigé dans une réponse ou un historique, et interdit ailleurs.',
  },
  'bdl-5': {
    en: 'an entry has a resource, a request or a response.',
    fr: 'une entrée a une ressource, une requête ou une réponse.',
  },
  'bdl-7': { en: 'each fullUrl is used once.', fr: 'chaque fullUrl est utilisé une fois.' },
  'bdl-8': { en: 'fullUrl must not name a version.', fr: 'fullUrl ne doit pas désigner une version.' },
  'bdl-9': {
    en: 'a document has an identifier with system and value.',
    fr: 'un document a un identifiant avec système et valeur.',
  },
  'bdl-10': { en: 'a document has a timestamp.', fr: 'un document a un horodatage.' },
  'bdl-11': { en: 'a document begins with a Composition.', fr: 'un document commence par une Composition.' },
  'bdl-12': { en: 'a message begins with a MessageHeader.', fr: 'un message commence par un MessageHeader.' },
  'cmp-1': {
    en: 'a section has a text, entries or sections.',
    fr: 'une section a un texte, des entrées ou des sections.',
  },
  'con-3': {
    en: 'a condition of the problem list should have a clinicalStatus.',
    fr: 'un problème suivi devrait avoir un clinicalStatus.',
  },
  'con-4': {
    en: 'a condition that has ended is resolved, inactive or in remission.',
    fr: 'un problème terminé est résolu, inactif ou en rémission.',
  },
  'con-5': {
    en: 'a condition entered in error has no clinicalStatus.',
    fr: 'un problème saisi par erreur n’a pas de clinicalStatus.',
  },
  'cpl-3': { en: 'an activity has a detail or a reference, not both.', fr: 'une activité a detail ou reference.' },
  'cpt-2': { en: 'a contact value needs its system.', fr: 'une coordonnée a besoin de son system.' },
  'drt-1': {
    en: 'a duration’s code is UCUM and has a value.',
    fr: 'le code d’une durée est de l’UCUM et accompagne une valeur.',
  },
  'inv-1': { en: 'the order or presence of its parts is wrong.', fr: 'l’ordre ou la présence des parties est faux.' },
  'obs-3': { en: 'a reference range has low, high or text.', fr: 'un intervalle de référence a low, high ou text.' },
  'obs-6': {
    en: 'dataAbsentReason is only for an observation without value.',
    fr: 'dataAbsentReason est réservé à une observation sans valeur.',
  },
  'obs-7': {
    en: 'when a component has the same code, the observation itself has no value.',
    fr: 'quand un composant a le même code, l’observation elle-même n’a pas de valeur.',
  },
  'org-1': { en: 'an organization has a name or an identifier.', fr: 'une organisation a un nom ou un identifiant.' },
  'org-2': { en: 'an organization has no home address.', fr: 'une organisation n’a pas d’adresse personnelle.' },
  'org-3': { en: 'an organization has no home telecom.', fr: 'une organisation n’a pas de coordonnée personnelle.' },
  'pat-1': {
    en: 'a contact has a name, telecom, address or organization.',
    fr: 'un contact a un nom, une coordonnée, une adresse ou une organisation.',
  },
  'per-1': {
    en: 'start must be before end, and both as precise as each other.',
    fr: 'start doit précéder end, avec la même précision.',
  },
  'ppc-1': { en: 'a consent has a policy or a policyRule.', fr: 'un consentement a policy ou policyRule.' },
  'qrs-1': {
    en: 'nested items are under the item or under its answer, not both.',
    fr: 'les sous-éléments sont sous l’item ou sous sa réponse.',
  },
  'qty-3': { en: 'a unit code needs its system.', fr: 'un code d’unité a besoin de son système.' },
  'rng-2': { en: 'low must not exceed high, in the same unit.', fr: 'low ne dépasse pas high, dans la même unité.' },
  'sqty-1': { en: 'a comparator is not allowed here.', fr: 'un comparateur n’est pas permis ici.' },
  'tim-1': { en: 'a duration needs its unit.', fr: 'une durée a besoin de son unité.' },
  'tim-2': { en: 'a period needs its unit.', fr: 'une période a besoin de son unité.' },
  'vs-1': {
    en: 'effective must be a date or date and time precise to the day at least.',
    fr: 'effective doit être une date, précise au moins au jour.',
  },
  'vs-2': {
    en: 'without components or members a value or a dataAbsentReason is needed.',
    fr: 'sans composants ni membres, il faut une valeur ou un dataAbsentReason.',
  },
  'vs-3': {
    en: 'a component has a value or a dataAbsentReason.',
    fr: 'un composant a une valeur ou un dataAbsentReason.',
  },
};

const translation = 'http://hl7.org/fhir/StructureDefinition/translation';

/** The sentence of an invariant in both languages; French from the translation extension of `human`, when it has one. */
export function humanOf(constraint: ElementDefinitionConstraint): { en: string; fr: string } {
  const key = constraint.key ?? '';
  if (Object.hasOwn(sentences, key) && /^R4 rule |^$/.test(constraint.human ?? '')) {
    return sentences[key] as { en: string; fr: string };
  }
  const human = (constraint.human ?? '').startsWith('R4 rule ') ? undefined : constraint.human;
  const en = human ?? `${constraint.expression}`;
  return { en, fr: french(constraint) ?? en };
}

function french(constraint: ElementDefinitionConstraint): string | undefined {
  const beside = (constraint as { _human?: { extension?: Extension[] } })._human;
  for (const one of beside?.extension ?? []) {
    if (one.url === translation && one.extension?.some((part) => part.url === 'lang' && part.valueCode === 'fr')) {
      return one.extension.find((part) => part.url === 'content')?.valueString;
    }
  }
  return undefined;
}
