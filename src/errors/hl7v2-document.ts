import type { ErrorEntry } from './entry.ts';

/** HL7 v2: documents carried inside, their patient, and the framing they came in. ERR-5 from the CI-SIS error annex. */
export const hl7v2DocumentErrors = {
  'payload-missing': {
    http: 422,
    issue: 'required',
    msa: 'AE',
    err3: '101',
    public: {
      fr: 'Le message ne porte pas de document : aucun OBX de type ED avec un contenu en OBX-5.5. Ajoutez le document CDA.',
      en: 'The message carries no document: no OBX of type ED with content in OBX-5.5. Add the CDA document.',
    },
  },
  'payload-encoding': {
    http: 422,
    issue: 'value',
    msa: 'AE',
    err3: '102',
    public: {
      fr: 'Le contenu de OBX-5.5 n’est pas du {encoding} valable. Renvoyez-le encodé en Base64.',
      en: 'The content of OBX-5.5 is not valid {encoding}. Send it again encoded as Base64.',
    },
  },
  'payload-unpadded': {
    http: 200,
    issue: 'value',
    msa: 'AE',
    err3: '102',
    public: {
      fr: 'Le Base64 de OBX-5.5 n’est pas complété par « = » ; il a été accepté.',
      en: 'The Base64 of OBX-5.5 is not padded with “=”; it was accepted.',
    },
  },
  'payload-not-cda': {
    http: 422,
    issue: 'structure',
    msa: 'AE',
    err3: '102',
    public: {
      fr: 'Le contenu de OBX-5.5 n’est pas un document CDA (ClinicalDocument). Envoyez le document CDA encodé en Base64.',
      en: 'The content of OBX-5.5 is not a CDA document (ClinicalDocument). Send the CDA document encoded as Base64.',
    },
  },
  'document-type-unknown': {
    http: 422,
    issue: 'code-invalid',
    msa: 'AE',
    err3: '103',
    public: {
      fr: 'Le type de document {code} ne fait pas partie du jeu de valeurs JDV_J07. Envoyez un type de document de ce jeu.',
      en: 'The document type {code} is not in the value set JDV_J07. Send a document type of that set.',
    },
  },
  'document-type-differs': {
    http: 200,
    issue: 'conflict',
    msa: 'AE',
    err3: '103',
    public: {
      fr: 'Le type de document n’est pas le même en {fields}. Celui du document CDA fait foi.',
      en: 'The document type is not the same in {fields}. That of the CDA document decides.',
    },
  },
  'document-id-differs': {
    http: 422,
    issue: 'conflict',
    msa: 'AE',
    err3: '207',
    err5: '906',
    public: {
      fr: 'L’identifiant de document de {field} n’est pas celui du document CDA porté par le message. Alignez-les.',
      en: 'The document id of {field} is not that of the CDA document inside. Make them agree.',
    },
  },
  'document-parent-differs': {
    http: 200,
    issue: 'conflict',
    msa: 'AE',
    err3: '207',
    err5: '900',
    public: {
      fr: 'Le document remplacé n’est pas nommé de la même façon par TXA-13 et par le document CDA ; celui du document fait foi.',
      en: 'TXA-13 and the CDA document do not name the replaced document alike; the document decides.',
    },
  },
  'document-parent-missing': {
    http: 200,
    issue: 'required',
    msa: 'AE',
    err3: '101',
    err5: '900',
    public: {
      fr: 'Le message remplace un document mais le document CDA ne nomme pas celui qu’il remplace. Ajoutez relatedDocument (RPLC).',
      en: 'The message replaces a document but the CDA document does not name the one it replaces. Add relatedDocument (RPLC).',
    },
  },
  'mss-combination': {
    http: 200,
    issue: 'business-rule',
    msa: 'AE',
    err3: '207',
    public: {
      fr: 'Les indicateurs de visibilité et de destination ne forment pas une combinaison MSSanté publiée ; rien ne part vers le patient quand le document lui est invisible.',
      en: 'The visibility and destination flags are no published MSSanté combination; nothing goes to the patient when the document is hidden from them.',
    },
  },
  'ins-missing': {
    http: 200,
    issue: 'incomplete',
    msa: 'AE',
    err3: '101',
    err5: '903',
    public: {
      fr: 'Le patient a des identifiants mais pas d’INS en PID-3. Envoyez l’INS dès que l’identité est qualifiée.',
      en: 'The patient has identifiers but no INS in PID-3. Send the INS as soon as the identity is qualified.',
    },
  },
  'ins-traits-missing': {
    http: 200,
    issue: 'incomplete',
    msa: 'AE',
    err3: '101',
    err5: '905',
    public: {
      fr: 'L’INS est envoyé sans tous ses traits ({elements}). Envoyez les traits stricts avec l’INS.',
      en: 'The INS is sent without all its traits ({elements}). Send the strict traits with the INS.',
    },
  },
  'mllp-unframed': {
    http: 400,
    issue: 'structure',
    msa: 'AR',
    err3: '207',
    public: {
      fr: 'Des octets sont arrivés hors du cadre MLLP et ont été écartés. Envoyez <VT> message <FS><CR>.',
      en: 'Bytes arrived outside the MLLP frame and were dropped. Send <VT> message <FS><CR>.',
    },
  },
  'mllp-truncated': {
    http: 400,
    issue: 'incomplete',
    msa: 'AR',
    err3: '207',
    public: {
      fr: 'Le message a été interrompu par le suivant avant <FS><CR> ; il n’a pas été pris. Renvoyez-le.',
      en: 'The message was interrupted by the next before <FS><CR>; it was not taken. Send it again.',
    },
  },
  'mllp-slow': {
    http: 408,
    issue: 'timeout',
    msa: 'AR',
    err3: '207',
    public: {
      fr: 'Le message n’est pas arrivé entier en {seconds} secondes ; la connexion a été fermée. Renvoyez-le.',
      en: 'The message did not arrive completely within {seconds} seconds; the connection was closed. Send it again.',
    },
  },
} satisfies Record<string, ErrorEntry>;
