const words = {
  flow: ['Flux', 'Flow'],
  messages: ['Messages', 'Messages'],
  attention: ['À traiter', 'Attention'],
  followUp: ['Suivi', 'Follow-up'],
  leave: ['Quitter', 'Leave'],
  other: ['English', 'Français'],
  enter: ['Jeton d’accès', 'Access token'],
  enterHow: [
    'Collez un jeton. Sur cette machine : npx passerelle token --client console',
    'Paste a token. On this machine: npx passerelle token --client console',
  ],
  open: ['Entrer', 'Enter'],
  tokenRefused: ['Ce jeton n’est pas accepté, ou il a expiré.', 'This token is not accepted, or it has expired.'],
  unreachable: ['La passerelle ne répond pas.', 'The gateway does not answer.'],
  noScope: ['Ce jeton ne permet pas de voir ceci.', 'This token does not allow to see this.'],
  ready: ['prête', 'ready'],
  starting: ['démarre', 'starting'],
  draining: ['s’arrête', 'draining'],
  'not-durable': ['ne peut plus écrire', 'cannot write'],
  doors: ['Portes', 'Doors'],
  journal: ['Journal', 'Journal'],
  destinations: ['Destinations', 'Destinations'],
  taken: ['acceptés', 'accepted'],
  refusedAtDoor: ['refusés', 'refused'],
  perSecond: ['/s', '/s'],
  waiting: ['en attente', 'waiting'],
  given: ['livrés', 'delivered'],
  dead: ['abandonnés', 'given up'],
  oldest: ['le plus ancien attend', 'the oldest waits'],
  lastMinutes: [
    'messages acceptés par seconde, cinq dernières minutes',
    'messages accepted per second, last five minutes',
  ],
  accepted: ['accepté', 'accepted'],
  delivered: ['livré', 'delivered'],
  quarantined: ['en quarantaine', 'quarantined'],
  refused: ['refusé', 'refused'],
  all: ['tous', 'all'],
  state: ['état', 'state'],
  message: ['message', 'message'],
  received: ['reçu', 'received'],
  door: ['porte', 'door'],
  sender: ['émetteur', 'sender'],
  content: ['contenu', 'content'],
  size: ['taille', 'size'],
  attempts: ['essais', 'attempts'],
  older: ['Plus anciens', 'Older'],
  none: ['Rien ici.', 'Nothing here.'],
  settled: ['terminé', 'settled'],
  nextAttempt: ['prochain essai', 'next attempt'],
  issues: ['Remarques', 'Issues'],
  written: ['Ressources écrites', 'Resources written'],
  deliveries: ['Livraisons', 'Deliveries'],
  destination: ['destination', 'destination'],
  answers: ['réponses', 'answers'],
  replay: ['Refaire passer', 'Replay'],
  replayed: ['repris', 'taken up again'],
  source: ['D’où vient chaque élément ?', 'Where does each element come from?'],
  pick: ['Choisissez un élément.', 'Pick an element.'],
  noTrace: ['Aucune règle n’a écrit cet élément seule.', 'No rule wrote this element by itself.'],
  place: ['place', 'place'],
  rule: ['règle', 'rule'],
  version: ['version', 'version'],
  held: ['Messages retenus ou abandonnés', 'Messages held back or given up'],
  unmapped: ['Codes sans traduction', 'Codes without a translation'],
  code: ['code', 'code'],
  times: ['fois', 'times'],
  reviews: ['Identités à vérifier', 'Identities to review'],
  alerts: ['Alertes ouvertes', 'Open alerts'],
  due: ['échéance', 'due'],
  day: ['jour', 'day'],
  plans: ['Patients suivis', 'Patients followed'],
  lastReading: ['dernière mesure', 'last reading'],
  noReading: ['aucune mesure', 'no reading'],
  late: ['en retard', 'late'],
  saturation: ['Saturation en oxygène, %', 'Oxygen saturation, %'],
  temperature: ['Température, °C', 'Temperature, °C'],
  tasks: ['Tâches', 'Tasks'],
} as const;

/** Name of a text of the pages. */
export type Word = keyof typeof words;

let column: 0 | 1 = (localStorage.getItem('language') ?? navigator.language).startsWith('fr') ? 0 : 1;

/** A word of the pages in the language chosen; what is no word of theirs (a state of FHIR) stands for itself. */
export function t(word: Word | (string & {})): string {
  return words[word as Word]?.[column] ?? word;
}

/** The language chosen, else the browser's. */
export function language(): 'fr' | 'en' {
  return column === 0 ? 'fr' : 'en';
}

/** Changes to the other language, for good. */
export function otherLanguage(): void {
  column = column === 0 ? 1 : 0;
  localStorage.setItem('language', language());
}

const clock = new Intl.DateTimeFormat('sv-SE', { timeZone: 'Europe/Paris', dateStyle: 'short', timeStyle: 'medium' });

/** A time as people in Paris read it. */
export function timeInParis(time: string | undefined): string {
  return time === undefined ? '' : clock.format(new Date(time));
}

/** A duration of so many seconds: `12 s`, `3 min`, `2 h`, `4 d`. */
export function duration(seconds: number): string {
  if (seconds < 100) return `${Math.round(seconds)} s`;
  if (seconds < 6000) return `${Math.round(seconds / 60)} min`;
  return seconds < 172_800
    ? `${Math.round(seconds / 3600)} h`
    : `${Math.round(seconds / 86_400)} ${language() === 'fr' ? 'j' : 'd'}`;
}

/** A size for people: `812 B`, `4.2 kB`, `1.3 MB`; a kB is 1,000 bytes. */
export function sizeText(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  return bytes < 1_000_000 ? `${(bytes / 1000).toFixed(1)} kB` : `${(bytes / 1_000_000).toFixed(1)} MB`;
}
