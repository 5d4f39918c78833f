import type { ErrorEntry } from './entry.ts';

/** Who may do what: tokens, scopes, circle, consent. */
export const accessErrors = {
  'token-missing': {
    http: 401,
    issue: 'login',
    msa: 'AR',
    err3: '207',
    public: {
      fr: 'Un jeton d’accès est nécessaire. Demandez-le à /oauth2/token et envoyez-le dans Authorization: Bearer.',
      en: 'An access token is needed. Ask /oauth2/token for one and send it in Authorization: Bearer.',
    },
  },
  'token-invalid': {
    http: 401,
    issue: 'login',
    msa: 'AR',
    err3: '207',
    public: {
      fr: 'Le jeton d’accès n’est pas valable ici ou a expiré. Demandez-en un nouveau à /oauth2/token.',
      en: 'The access token is not valid here or has expired. Ask /oauth2/token for a new one.',
    },
  },
  'sender-unproven': {
    http: 403,
    issue: 'forbidden',
    msa: 'AR',
    err3: '207',
    public: {
      fr: 'Le certificat de cette connexion n’est pas celui du système émetteur nommé en MSH-3 et MSH-4. Connectez-vous avec le certificat enregistré pour lui.',
      en: 'The certificate of this connection is not that of the sending system named in MSH-3 and MSH-4. Connect with the certificate registered for it.',
    },
  },
  'subscription-unsupported': {
    http: 403,
    issue: 'not-supported',
    msa: 'AR',
    err3: '207',
    public: {
      fr: 'Les abonnements FHIR (Subscription) ne sont pas offerts : ils préviendraient sans que les droits soient vérifiés. Interrogez avec _lastUpdated.',
      en: 'FHIR subscriptions are not offered here: they would notify without anybody’s rights being checked. Poll with _lastUpdated.',
    },
  },
  'scope-missing': {
    http: 403,
    issue: 'forbidden',
    msa: 'AR',
    err3: '207',
    public: {
      fr: 'Le jeton ne porte pas le scope {scope}. Demandez un jeton qui le porte.',
      en: 'The token lacks the scope {scope}. Ask for a token that carries it.',
    },
  },
  'access-rules-invalid': {
    http: 500,
    issue: 'exception',
    msa: 'AE',
    err3: '207',
    public: {
      fr: 'Les règles d’accès (mappings/rules-access.json) ne sont pas valables à {pointer} : {problem}. Corrigez-les ; une passerelle en marche garde celles qu’elle a.',
      en: 'The access rules (mappings/rules-access.json) are not valid at {pointer}: {problem}. Correct them; a gateway that runs keeps those it has.',
    },
  },
  'access-not-here': {
    http: 404,
    issue: 'not-found',
    msa: 'AR',
    err3: '204',
    public: {
      fr: 'Rien de tel n’est visible pour ce jeton.',
      en: 'Nothing of the kind is visible to this token.',
    },
  },
  'access-not-for-persons': {
    http: 403,
    issue: 'forbidden',
    msa: 'AR',
    err3: '207',
    public: {
      fr: 'Un jeton de personne ne permet pas ceci : {what}. Lisez ou cherchez directement les ressources du patient.',
      en: 'A token of a person does not allow this: {what}. Read or search the resources of the patient directly.',
    },
  },
  'patient-not-one': {
    http: 404,
    issue: 'not-found',
    msa: 'AE',
    err3: '204',
    public: {
      fr: 'Le serveur FHIR n’a pas ce patient, ou en a plusieurs sous ce numéro. Donnez à --patient le matricule INS ou Patient/ID, et vérifiez PASSERELLE_DATA ou PASSERELLE_FHIR.',
      en: 'The FHIR server has no such patient, or several of that number. Give --patient the INS number or Patient/ID, and check PASSERELLE_DATA or PASSERELLE_FHIR.',
    },
  },
  'audit-absent': {
    http: 500,
    issue: 'not-found',
    msa: 'AR',
    err3: '207',
    public: {
      fr: 'Il n’y a pas encore de journal d’accès dans {folder}. Démarrez une fois la passerelle (passerelle start), ou nommez son dossier de données par PASSERELLE_DATA (ou `data` dans la configuration).',
      en: 'There is no access log in {folder} yet. Start the gateway once (passerelle start), or name its data folder by PASSERELLE_DATA (or `data` in the configuration).',
    },
  },
  'break-glass-refused': {
    http: 403,
    issue: 'forbidden',
    msa: 'AR',
    err3: '207',
    public: {
      fr: 'L’accès d’urgence n’est pas ouvert ici : il faut un jeton de soignant connu de l’annuaire, et un patient qui ne s’y est pas opposé.',
      en: 'Emergency access is not open here: it takes the token of a professional known to the directory, and a patient who did not object.',
    },
  },
  'access-search-too-wide': {
    http: 403,
    issue: 'too-costly',
    msa: 'AR',
    err3: '207',
    public: {
      fr: 'Cette recherche est trop large pour un jeton de personne. Nommez le patient ou ajoutez des critères.',
      en: 'This search is too wide for a token of a person. Name the patient or add criteria.',
    },
  },
} satisfies Record<string, ErrorEntry>;
