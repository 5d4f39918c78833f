import type { ErrorEntry } from './entry.ts';

/** The shared record (IHE MHD, PDSm): what is refused as its manager, what stops documents on their way to one. */
export const sharedRecordErrors = {
  'provide-incomplete': {
    http: 422,
    issue: 'required',
    msa: 'AE',
    err3: '101',
    err5: '906',
    public: {
      fr: 'Il manque {element} à la soumission. Ajoutez-le, puis soumettez à nouveau l’ensemble.',
      en: 'The submission lacks {element}. Add it, then submit the whole again.',
    },
  },
  'provide-content-differs': {
    http: 422,
    issue: 'business-rule',
    msa: 'AE',
    err3: '102',
    err5: '906',
    public: {
      fr: 'L’élément {element} annoncé n’est pas celui des octets reçus. Recalculez-le (hash : SHA-1 en Base64) et vérifiez que le contenu n’a pas été altéré.',
      en: 'The announced {element} is not that of the bytes received. Compute it again (hash: Base64 SHA-1) and check that the content was not altered.',
    },
  },
  'provide-content-missing': {
    http: 422,
    issue: 'not-found',
    msa: 'AE',
    err3: '204',
    err5: '906',
    public: {
      fr: 'content.attachment.url ne nomme aucun Binary de la soumission. Joignez le document et nommez-le par le fullUrl de son entrée.',
      en: 'content.attachment.url names no Binary of the submission. Include the document and name it by the fullUrl of its entry.',
    },
  },
  'provide-subject-unknown': {
    http: 404,
    issue: 'not-found',
    msa: 'AE',
    err3: '204',
    err5: '904',
    public: {
      fr: 'Le patient nommé par subject n’est pas connu ici, ou plusieurs le sont. Créez d’abord le patient, ou nommez-le par son INS.',
      en: 'The patient that subject names is not known here, or several are. Create the patient first, or name it by the INS.',
    },
  },
  'provide-subject-differs': {
    http: 422,
    issue: 'business-rule',
    msa: 'AE',
    err3: '102',
    err5: '904',
    public: {
      fr: 'Le document CDA concerne un autre patient que subject (matricules différents). Rien n’a été enregistré.',
      en: 'The CDA document is about another patient than subject (the numbers differ). Nothing was stored.',
    },
  },
  'provide-record-closed': {
    http: 422,
    issue: 'business-rule',
    msa: 'AE',
    err3: '207',
    err5: '906',
    public: {
      fr: 'Le dossier de ce patient est fermé (Patient.active = false) : rien n’y est ajouté.',
      en: 'The record of this patient is closed (Patient.active = false): nothing is added to it.',
    },
  },
  'provide-ins-invalid': {
    http: 422,
    issue: 'value',
    msa: 'AE',
    err3: '102',
    err5: '903',
    public: {
      fr: 'Le matricule INS de subject n’a pas la forme ou la clé attendue. Vérifiez-le à la source.',
      en: 'The INS number of subject does not have the expected shape or key. Check it at the source.',
    },
  },
  'provide-exists': {
    http: 422,
    issue: 'duplicate',
    msa: 'AE',
    err3: '205',
    err5: '906',
    public: {
      fr: 'Un document de même masterIdentifier est déjà là. Pour le remplacer, donnez au nouveau son propre identifiant et relatesTo « replaces ».',
      en: 'A document with the same masterIdentifier is there already. To replace it, give the new one an identifier of its own and relatesTo “replaces”.',
    },
  },
  'provide-patients-differ': {
    http: 422,
    issue: 'business-rule',
    msa: 'AE',
    err3: '102',
    err5: '904',
    public: {
      fr: 'Une soumission ne concerne qu’un patient : subject n’est pas celui du lot de soumission. Faites une soumission par patient.',
      en: 'A submission is about one patient: subject is not that of the submission set. Make one submission for each patient.',
    },
  },
  'provide-method': {
    http: 422,
    issue: 'not-supported',
    msa: 'AE',
    err3: '207',
    err5: '906',
    public: {
      fr: 'Une soumission ajoute documents et listes (POST) et modifie des métadonnées (PATCH) ; {method} n’est pas accepté.',
      en: 'A submission adds documents and lists (POST) and changes metadata (PATCH); {method} is not taken.',
    },
  },
  'provide-parent-unknown': {
    http: 404,
    issue: 'not-found',
    msa: 'AE',
    err3: '204',
    err5: '906',
    public: {
      fr: 'Le document nommé par relatesTo n’est pas connu ici. Vérifiez son identifiant.',
      en: 'The document that relatesTo names is not known here. Check its identifier.',
    },
  },
  'provide-inline': {
    http: 400,
    issue: 'structure',
    msa: 'AE',
    err3: '207',
    err5: '906',
    public: {
      fr: 'La publication simplifiée porte son contenu dans content.attachment.data et n’a pas de content.attachment.url. Gardez l’un des deux.',
      en: 'A simplified publish carries its content in content.attachment.data and has no content.attachment.url. Keep one of the two.',
    },
  },
  'metadata-fixed': {
    http: 405,
    issue: 'not-supported',
    msa: 'AE',
    err3: '207',
    err5: '906',
    public: {
      fr: 'Seuls status, securityLabel et l’extension is-archived d’un document se modifient ; {element} ne se modifie pas. Remplacez le document.',
      en: 'Only status, securityLabel and the extension is-archived of a document can be changed; {element} cannot. Replace the document.',
    },
  },
  'find-patient-missing': {
    http: 400,
    issue: 'required',
    msa: 'AE',
    err3: '101',
    public: {
      fr: 'La recherche de documents demande patient ou patient.identifier. Ajoutez-le.',
      en: 'A search for documents needs patient or patient.identifier. Add it.',
    },
  },
  'find-status-missing': {
    http: 400,
    issue: 'required',
    msa: 'AE',
    err3: '101',
    public: {
      fr: 'La recherche de documents demande status ; des documents de tous les statuts sont donnés. Ajoutez status, par exemple status=current.',
      en: 'A search for documents needs status; documents of every status are given. Add status, for example status=current.',
    },
  },
  'share-unqualified': {
    http: 422,
    issue: 'business-rule',
    msa: 'AE',
    err3: '102',
    err5: '903',
    public: {
      fr: 'L’identité du patient n’est pas qualifiée avec un INS valide : le document n’est pas envoyé au dossier partagé. Qualifiez l’identité, puis rejouez.',
      en: 'The patient’s identity is not qualified with a valid INS: the document is not sent to the shared record. Qualify the identity, then replay.',
    },
  },
  'share-opposed': {
    http: 422,
    issue: 'business-rule',
    msa: 'AE',
    err3: '102',
    err5: '906',
    public: {
      fr: 'Le patient s’est opposé à l’alimentation de son dossier partagé : le document n’est pas envoyé.',
      en: 'The patient has opposed the feeding of the shared record: the document is not sent.',
    },
  },
  'share-consult-opposed': {
    http: 403,
    issue: 'forbidden',
    msa: 'AE',
    err3: '102',
    err5: '906',
    public: {
      fr: 'Le patient s’est opposé à la consultation de son dossier partagé.',
      en: 'The patient has opposed the consultation of the shared record.',
    },
  },
  'share-closed': {
    http: 422,
    issue: 'business-rule',
    msa: 'AE',
    err3: '207',
    err5: '906',
    public: {
      fr: 'Le dossier partagé de ce patient est fermé : le document n’y est pas envoyé. Rejouez s’il est rouvert.',
      en: 'The shared record of this patient is closed: the document is not sent there. Replay if it is opened again.',
    },
  },
  'circle-unqualified': {
    http: 422,
    issue: 'business-rule',
    msa: 'AE',
    err3: '102',
    err5: '903',
    public: {
      fr: 'L’identité du patient n’est pas qualifiée avec un INS valide : son cercle de soins n’est pas envoyé. Qualifiez l’identité, puis rejouez.',
      en: 'The patient’s identity is not qualified with a valid INS: the care circle is not sent. Qualify the identity, then replay.',
    },
  },
  'circle-incomplete': {
    http: 422,
    issue: 'required',
    msa: 'AE',
    err3: '101',
    err5: '906',
    public: {
      fr: 'Il manque {element} au cercle de soins : il n’est pas envoyé. Complétez-le, puis rejouez.',
      en: 'The care circle lacks {element}: it is not sent. Complete it, then replay.',
    },
  },
  'circle-foreign': {
    http: 409,
    issue: 'conflict',
    msa: 'AE',
    err3: '207',
    err5: '906',
    public: {
      fr: 'Le serveur a déjà un cercle de soins actif de ce patient sous un autre identifiant. Une personne doit décider lequel vaut, puis rejouer.',
      en: 'The server has an active care circle of this patient under another identifier already. A person must decide which one counts, then replay.',
    },
  },
  'share-document-gone': {
    http: 409,
    issue: 'conflict',
    msa: 'AE',
    err3: '207',
    err5: '900',
    public: {
      fr: 'Le document a été remplacé ou retiré avant l’envoi, ou n’est plus lisible : rien n’est parti vers le dossier partagé.',
      en: 'The document was replaced or withdrawn before it was sent, or can no longer be read: nothing was sent to the shared record.',
    },
  },
  'share-refused': {
    http: 502,
    issue: 'processing',
    msa: 'AE',
    err3: '207',
    err5: '906',
    public: {
      fr: 'Le serveur partagé a refusé l’envoi (réponse {status}, {codes}). Corrigez ce qu’il dit, puis rejouez.',
      en: 'The shared server refused what was sent (status {status}, {codes}). Set right what it says, then replay.',
    },
  },
  'share-waiting': {
    http: 503,
    issue: 'transient',
    msa: 'AR',
    err3: '207',
    public: {
      fr: 'Le document que celui-ci remplace n’est pas encore dans le dossier partagé. L’envoi sera repris.',
      en: 'The document that this one replaces is not in the shared record yet. Sending will be taken up again.',
    },
  },
  'share-unreachable': {
    http: 503,
    issue: 'transient',
    msa: 'AR',
    err3: '207',
    public: {
      fr: 'Le serveur partagé ne répond pas ou demande d’attendre ({reason}). L’envoi sera repris ; si cela dure, vérifiez server.base et server.headers.',
      en: 'The shared server does not answer or asks to wait ({reason}). Sending will be taken up again; if this lasts, check server.base and server.headers.',
    },
  },
  'share-unconfirmed': {
    http: 504,
    issue: 'timeout',
    msa: 'AR',
    err3: '207',
    public: {
      fr: 'L’envoi est parti vers le serveur partagé sans confirmation ({reason}). Sa présence sera vérifiée avant tout nouvel envoi.',
      en: 'What was sent left for the shared server and was not confirmed ({reason}). Whether it is there is checked before it is sent again.',
    },
  },
} satisfies Record<string, ErrorEntry>;
