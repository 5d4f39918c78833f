import type { ErrorEntry } from './entry.ts';

/** HL7 v2: what the reader and the inspection find. ERR-3 from table 0357, ERR-5 from the CI-SIS error annex. */
export const hl7v2Errors = {
  'hl7-not-a-message': {
    http: 400,
    issue: 'structure',
    msa: 'AE',
    err3: '100',
    public: {
      fr: 'Le message ne commence pas par un segment MSH lisible. Envoyez un message HL7 v2 qui commence par MSH|^~\\&|.',
      en: 'The message does not begin with a readable MSH segment. Send an HL7 v2 message that begins with MSH|^~\\&|.',
    },
  },
  'hl7-too-complex': {
    http: 413,
    issue: 'too-costly',
    msa: 'AR',
    err3: '207',
    public: {
      fr: 'Le message a plus de {limit} {what} ; le reste n’a pas été lu. Découpez-le.',
      en: 'The message has more than {limit} {what}; the rest was not read. Split it.',
    },
  },
  'hl7-line-joined': {
    http: 200,
    issue: 'structure',
    msa: 'AE',
    err3: '100',
    public: {
      fr: 'Une ligne sans nom de segment a été rattachée au segment qui précède. Écrivez les sauts de ligne \\.br\\ dans les champs.',
      en: 'A line without a segment name was joined to the segment before it. Write line breaks inside fields as \\.br\\.',
    },
  },
  'hl7-charset-unknown': {
    http: 422,
    issue: 'code-invalid',
    msa: 'AE',
    err3: '103',
    public: {
      fr: 'Le jeu de caractères annoncé en MSH-18 est inconnu. Utilisez UNICODE UTF-8, 8859/1, 8859/15 ou ASCII.',
      en: 'The character set announced in MSH-18 is unknown. Use UNICODE UTF-8, 8859/1, 8859/15 or ASCII.',
    },
  },
  'hl7-charset-missing': {
    http: 200,
    issue: 'required',
    msa: 'AE',
    err3: '101',
    public: {
      fr: 'MSH-18 est vide alors que le message porte des lettres accentuées ; il a été lu en {used}. Annoncez le jeu de caractères.',
      en: 'MSH-18 is empty although the message has accented letters; it was read as {used}. Announce the character set.',
    },
  },
  'hl7-charset-invalid': {
    http: 422,
    issue: 'value',
    msa: 'AE',
    err3: '102',
    public: {
      fr: 'Des octets du message n’existent pas dans le jeu de caractères {announced} annoncé en MSH-18. Corrigez MSH-18 ou l’encodage.',
      en: 'Bytes of the message do not exist in the character set {announced} announced in MSH-18. Correct MSH-18 or the encoding.',
    },
  },
  'hl7-charset-doubtful': {
    http: 200,
    issue: 'value',
    msa: 'AE',
    err3: '102',
    public: {
      fr: 'Le message annonce {announced} mais porte des caractères de Windows-1252 ; il a été lu ainsi. Corrigez MSH-18 ou l’encodage.',
      en: 'The message announces {announced} but has characters of Windows-1252; it was read so. Correct MSH-18 or the encoding.',
    },
  },
  'hl7-date-invalid': {
    http: 200,
    issue: 'value',
    msa: 'AE',
    err3: '102',
    public: {
      fr: 'Ce champ n’est pas une date HL7 (AAAAMMJJ[HHMM[SS]][±ZZZZ]) ; il n’a pas été repris. Corrigez-le.',
      en: 'This field is not an HL7 date (YYYYMMDD[HHMM[SS]][±ZZZZ]); it was not taken over. Correct it.',
    },
  },
  'hl7-number-invalid': {
    http: 200,
    issue: 'value',
    msa: 'AE',
    err3: '102',
    public: {
      fr: 'Ce résultat est annoncé numérique (NM, SN) et ne l’est pas ; il est gardé comme texte. Corrigez OBX-2 ou OBX-5.',
      en: 'This result is announced as a number (NM, SN) and is none; it is kept as text. Correct OBX-2 or OBX-5.',
    },
  },
  'hl7-message-type': {
    http: 422,
    issue: 'not-supported',
    msa: 'AR',
    err3: '200',
    public: {
      fr: 'Le type de message {type} (MSH-9) n’est pas pris en charge. Types acceptés : {accepted}.',
      en: 'The message type {type} (MSH-9) is not supported. Accepted types: {accepted}.',
    },
  },
  'hl7-event': {
    http: 422,
    issue: 'not-supported',
    msa: 'AR',
    err3: '201',
    public: {
      fr: 'L’événement {event} (MSH-9) n’est pas pris en charge pour {type}. Événements acceptés : {accepted}.',
      en: 'The event {event} (MSH-9) is not supported for {type}. Accepted events: {accepted}.',
    },
  },
  'hl7-processing-id': {
    http: 422,
    issue: 'not-supported',
    msa: 'AR',
    err3: '202',
    public: {
      fr: 'MSH-11 n’est pas un mode de traitement connu. Utilisez P, T ou D.',
      en: 'MSH-11 is not a known processing id. Use P, T or D.',
    },
  },
  'hl7-version': {
    http: 422,
    issue: 'not-supported',
    msa: 'AR',
    err3: '203',
    public: {
      fr: 'La version annoncée en MSH-12 n’est pas prise en charge. Versions acceptées : 2.1 à 2.9.',
      en: 'The version announced in MSH-12 is not supported. Accepted versions: 2.1 to 2.9.',
    },
  },
  'hl7-segment-missing': {
    http: 422,
    issue: 'required',
    msa: 'AE',
    err3: '100',
    public: {
      fr: 'Le segment {segment} manque. Ajoutez-le.',
      en: 'The segment {segment} is missing. Add it.',
    },
  },
  'hl7-field-missing': {
    http: 422,
    issue: 'required',
    msa: 'AE',
    err3: '101',
    public: {
      fr: 'Le champ {field} est obligatoire et manque. Renseignez-le.',
      en: 'The field {field} is required and missing. Fill it in.',
    },
  },
  'hl7-table-value': {
    http: 422,
    issue: 'code-invalid',
    msa: 'AE',
    err3: '103',
    public: {
      fr: 'La valeur de {field} n’est pas dans sa table. Valeurs acceptées : {accepted}.',
      en: 'The value of {field} is not in its table. Accepted values: {accepted}.',
    },
  },
  'hl7-cardinality': {
    http: 422,
    issue: 'structure',
    msa: 'AE',
    err3: '198',
    public: {
      fr: '{what} : {found} trouvés, {allowed} attendus. Corrigez le message.',
      en: '{what}: {found} found, {allowed} expected. Correct the message.',
    },
  },
  'hl7-order-inconsistent': {
    http: 422,
    issue: 'conflict',
    msa: 'AR',
    err3: '207',
    err5: '906',
    public: {
      fr: 'L’événement, ORC-1 et OBX-11 ne disent pas la même chose ({said}). Envoyez NW et F, RO et C, ou CA et D.',
      en: 'Event, ORC-1 and OBX-11 do not say the same ({said}). Send NW and F, RO and C, or CA and D.',
    },
  },
  'hl7-profile-obsolete': {
    http: 200,
    issue: 'informational',
    msa: 'AE',
    err3: '103',
    public: {
      fr: '{field} suit une ancienne version du profil ; la valeur a été acceptée. Passez à la version courante.',
      en: '{field} follows an older version of the profile; the value was accepted. Move to the current version.',
    },
  },
} satisfies Record<string, ErrorEntry>;
