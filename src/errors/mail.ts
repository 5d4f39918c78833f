import type { ErrorEntry } from './entry.ts';

/** Secure health mail (MSSanté), both ways, the archives it carries, and what the hospital is told of it over MLLP. */
export const mailErrors = {
  'mail-no-address': {
    http: 422,
    issue: 'not-found',
    msa: 'AE',
    err3: '207',
    err5: '906',
    public: {
      fr: 'Aucune adresse de messagerie sécurisée pour ce destinataire, ni dans le message ni dans l’annuaire. Indiquez-la en PRT-15 ou complétez l’annuaire, puis rejouez.',
      en: 'There is no secure mail address for this recipient, neither in the message nor in the directory. Give it in PRT-15 or complete the directory, then replay.',
    },
  },
  'mail-no-recipient': {
    http: 422,
    issue: 'required',
    msa: 'AE',
    err3: '207',
    err5: '906',
    public: {
      fr: 'L’envoi par messagerie sécurisée est demandé et aucun professionnel n’est nommé comme destinataire. Ajoutez un segment PRT « RCT ».',
      en: 'Sending by secure mail was asked for and no professional is named as recipient. Add a PRT segment “RCT”.',
    },
  },
  'mail-patient-unqualified': {
    http: 422,
    issue: 'business-rule',
    msa: 'AE',
    err3: '207',
    err5: '903',
    public: {
      fr: 'L’identité du patient n’est pas qualifiée avec un INS : rien n’est envoyé à sa messagerie. Qualifiez l’identité, puis rejouez.',
      en: 'The patient’s identity is not qualified with an INS: nothing is sent to the patient’s mailbox. Qualify the identity, then replay.',
    },
  },
  'mail-hidden-from-patient': {
    http: 422,
    issue: 'business-rule',
    msa: 'AE',
    err3: '207',
    err5: '906',
    public: {
      fr: 'Le document est invisible au patient : il n’est jamais envoyé à une adresse de patient.',
      en: 'The document is hidden from the patient: it is never sent to a patient’s address.',
    },
  },
  'mail-document-gone': {
    http: 409,
    issue: 'conflict',
    msa: 'AE',
    err3: '207',
    err5: '900',
    public: {
      fr: 'Le document a été remplacé ou retiré avant l’envoi, ou il n’est plus lisible : rien n’est parti.',
      en: 'The document was replaced or withdrawn before it was sent, or can no longer be read: nothing was sent.',
    },
  },
  'mail-several-patients': {
    http: 422,
    issue: 'business-rule',
    msa: 'AE',
    err3: '207',
    err5: '906',
    public: {
      fr: 'Un courriel ne porte que les documents d’un seul patient ; ceux-ci en nomment plusieurs. Envoyez-les séparément.',
      en: 'A mail carries the documents of one patient only; these name several. Send them apart.',
    },
  },
  'mail-too-large': {
    http: 413,
    issue: 'too-long',
    msa: 'AE',
    err3: '207',
    err5: '906',
    public: {
      fr: 'Le courriel dépasserait {limit} octets. Réduisez les documents ou envoyez-les séparément.',
      en: 'The mail would be larger than {limit} bytes. Make the documents smaller or send them apart.',
    },
  },
  'mail-refused': {
    http: 502,
    issue: 'processing',
    msa: 'AE',
    err3: '207',
    err5: '906',
    public: {
      fr: 'L’opérateur de messagerie a refusé le courriel pour toujours (réponse SMTP {status}). Vérifiez l’adresse du destinataire, puis rejouez.',
      en: 'The mail operator refused the mail for good (SMTP reply {status}). Check the recipient’s address, then replay.',
    },
  },
  'mail-deferred': {
    http: 503,
    issue: 'incomplete',
    msa: 'AR',
    err3: '207',
    public: {
      fr: 'L’opérateur de messagerie demande d’attendre (réponse SMTP {status}). L’envoi sera repris.',
      en: 'The mail operator asks to wait (SMTP reply {status}). Sending will be taken up again.',
    },
  },
  'mail-unreachable': {
    http: 503,
    issue: 'transient',
    msa: 'AR',
    err3: '207',
    public: {
      fr: 'Le serveur de messagerie ne répond pas ({reason}). L’envoi sera repris ; si cela dure, vérifiez host, port, certificat et mot de passe.',
      en: 'The mail server does not answer ({reason}). Sending will be taken up again; if this lasts, check host, port, certificate and password.',
    },
  },
  'mail-unconfirmed': {
    http: 504,
    issue: 'timeout',
    msa: 'AR',
    err3: '207',
    public: {
      fr: 'Le courriel est parti sans que le serveur le confirme. Il repart avec le même Message-ID, que le destinataire reconnaît.',
      en: 'The mail left and the server did not confirm it. It goes again with the same Message-ID, which the recipient recognises.',
    },
  },
  'directory-unreadable': {
    http: 500,
    issue: 'exception',
    msa: 'AR',
    err3: '207',
    public: {
      fr: 'L’annuaire {file} ne peut pas être lu ({reason}). Il faut un CSV avec les colonnes identifier, address, type, red_list.',
      en: 'The directory {file} cannot be read ({reason}). It must be a CSV with the columns identifier, address, type, red_list.',
    },
  },
  'mail-unreadable': {
    http: 400,
    issue: 'structure',
    msa: 'AE',
    err3: '207',
    err5: '906',
    public: {
      fr: 'Ce courriel ne peut pas être lu (RFC 5322, MIME). Renvoyez-le.',
      en: 'This mail cannot be read (RFC 5322, MIME). Send it again.',
    },
  },
  'mail-without-document': {
    http: 422,
    issue: 'required',
    msa: 'AE',
    err3: '207',
    err5: '906',
    public: {
      fr: 'Ce courriel ne porte ni archive IHE_XDM.zip ni PDF : il n’y a pas de document à prendre.',
      en: 'This mail carries neither an archive IHE_XDM.zip nor a PDF: there is no document to take.',
    },
  },
  'xdm-unreadable': {
    http: 400,
    issue: 'structure',
    msa: 'AE',
    err3: '207',
    err5: '906',
    public: {
      fr: 'L’archive XDM ne peut pas être ouverte, ou elle contient un lien, un fichier chiffré ou un chemin interdit. Refaites-la.',
      en: 'The XDM archive cannot be opened, or holds a link, an encrypted file or a forbidden path. Make it anew.',
    },
  },
  'xdm-limit': {
    http: 413,
    issue: 'too-costly',
    msa: 'AE',
    err3: '207',
    err5: '906',
    public: {
      fr: 'L’archive XDM dépasse une limite ({what} : {limit}). Envoyez moins de documents à la fois.',
      en: 'The XDM archive is beyond a limit ({what}: {limit}). Send fewer documents at a time.',
    },
  },
  'xdm-metadata-missing': {
    http: 422,
    issue: 'required',
    msa: 'AE',
    err3: '207',
    err5: '906',
    public: {
      fr: 'L’archive XDM n’annonce aucun document dans IHE_XDM/…/METADATA.XML.',
      en: 'The XDM archive announces no document in IHE_XDM/…/METADATA.XML.',
    },
  },
  'xdm-metadata-incomplete': {
    http: 200,
    issue: 'incomplete',
    msa: 'AE',
    err3: '101',
    err5: '906',
    public: {
      fr: 'METADATA.XML n’indique pas, ou pas sous la forme que XDS demande : {elements}. Le document est pris et fait foi ; complétez les métadonnées.',
      en: 'METADATA.XML does not say, or not in the form XDS asks for: {elements}. The document is taken and decides; complete the metadata.',
    },
  },
  'xdm-actions-mixed': {
    http: 422,
    issue: 'business-rule',
    msa: 'AE',
    err3: '207',
    err5: '906',
    public: {
      fr: 'METADATA.XML retire un document et en transmet un autre dans le même courriel. Envoyez-les séparément.',
      en: 'METADATA.XML takes one document back and sends another in the same mail. Send them apart.',
    },
  },
  'xdm-document-missing': {
    http: 422,
    issue: 'required',
    msa: 'AE',
    err3: '207',
    err5: '906',
    public: {
      fr: 'METADATA.XML annonce un document qui n’est pas dans l’archive.',
      en: 'METADATA.XML announces a document that is not in the archive.',
    },
  },
  'xdm-document-altered': {
    http: 422,
    issue: 'business-rule',
    msa: 'AE',
    err3: '207',
    err5: '906',
    public: {
      fr: 'La taille ou l’empreinte du document n’est pas celle que METADATA.XML annonce : il a été modifié en route. Renvoyez-le.',
      en: 'Size or hash of the document are not those METADATA.XML announces: it was changed on its way. Send it again.',
    },
  },
  'practice-without-document': {
    http: 422,
    issue: 'not-found',
    msa: 'AE',
    err3: '207',
    err5: '906',
    public: {
      fr: 'Le document n’a pas (ou plus) de contenu CDA : le logiciel du cabinet ne peut pas le recevoir en MDM.',
      en: 'The document has no CDA content, or no longer: the practice software cannot be given it as MDM.',
    },
  },
  'mllp-unreachable': {
    http: 503,
    issue: 'transient',
    msa: 'AR',
    err3: '207',
    public: {
      fr: 'Le serveur MLLP de l’établissement ne répond pas ({reason}). L’envoi sera repris ; si cela dure, vérifiez address et le réseau.',
      en: 'The hospital’s MLLP listener does not answer ({reason}). Sending will be taken up again; if this lasts, check address and the network.',
    },
  },
  'mllp-unanswered': {
    http: 504,
    issue: 'timeout',
    msa: 'AR',
    err3: '207',
    public: {
      fr: 'Le message est parti et n’a pas été acquitté. Il repart avec le même MSH-10.',
      en: 'The message left and was not acknowledged. It goes again with the same MSH-10.',
    },
  },
  'mllp-rejected': {
    http: 502,
    issue: 'processing',
    msa: 'AE',
    err3: '207',
    public: {
      fr: 'L’établissement a refusé le message (MSA-1 = {code}). Corrigez la cause, puis rejouez.',
      en: 'The hospital refused the message (MSA-1 = {code}). Mend the cause, then replay.',
    },
  },
} satisfies Record<string, ErrorEntry>;
