import type { ErrorEntry } from './entry.ts';

/** Configuration and command line: what is found before anything starts. Nobody sends these to a peer. */
export const configErrors = {
  'config-unreadable': {
    http: 500,
    issue: 'exception',
    msa: 'AR',
    err3: '207',
    public: {
      fr: 'Le fichier de configuration {file} est illisible : {reason}. Corrigez-le ou nommez-en un autre avec --config.',
      en: 'The configuration file {file} cannot be read: {reason}. Correct it, or name another with --config.',
    },
  },
  'config-invalid': {
    http: 500,
    issue: 'exception',
    msa: 'AR',
    err3: '207',
    public: {
      fr: 'Réglage {setting} : {problem}. Les réglages et leur sens sont dans docs/settings.md.',
      en: 'Setting {setting}: {problem}. Settings and their meaning are in docs/settings.md.',
    },
  },
  'data-unusable': {
    http: 500,
    issue: 'exception',
    msa: 'AR',
    err3: '207',
    public: {
      fr: 'Le dossier de données {folder} ne peut pas être fait ({at} : {reason}). Nommez-en un autre par PASSERELLE_DATA (ou `data` dans la configuration), ou donnez à cet utilisateur le droit d’y écrire.',
      en: 'The data folder {folder} cannot be made ({at}: {reason}). Name another by PASSERELLE_DATA (or `data` in the configuration), or allow this user to write there.',
    },
  },
  'config-reference-missing': {
    http: 500,
    issue: 'exception',
    msa: 'AR',
    err3: '207',
    public: {
      fr: 'Réglage {setting} : {reference} n’existe pas ou n’est pas lisible. Définissez-le avant de démarrer.',
      en: 'Setting {setting}: {reference} does not exist or cannot be read. Provide it before starting.',
    },
  },
  'listener-exposed': {
    http: 500,
    issue: 'security',
    msa: 'AR',
    err3: '207',
    public: {
      fr: 'Réglage {setting} : {address} est joignable d’ailleurs et n’a pas de TLS. Donnez tls.cert et tls.key, ou écoutez sur 127.0.0.1.',
      en: 'Setting {setting}: {address} can be reached from elsewhere and has no TLS. Give tls.cert and tls.key, or listen on 127.0.0.1.',
    },
  },
  'issuer-development': {
    http: 500,
    issue: 'security',
    msa: 'AR',
    err3: '207',
    public: {
      fr: 'Réglage {setting} : {address} est joignable d’ailleurs et les jetons viennent de l’émetteur de développement. Réglez access.issuer.kind à "own" (avec keys et url) ou "none".',
      en: 'Setting {setting}: {address} can be reached from elsewhere and tokens come from the development issuer. Set access.issuer.kind to "own" (with keys and url) or "none".',
    },
  },
  'key-exposed': {
    http: 500,
    issue: 'security',
    msa: 'AR',
    err3: '207',
    public: {
      fr: 'Le fichier de clés {file} est lisible par d’autres (mode {mode}). Faites chmod 600, et remplacez les clés si un autre a pu les lire.',
      en: 'The key file {file} can be read by others (mode {mode}). Do chmod 600, and replace the keys if someone may have read them.',
    },
  },
  'key-unusable': {
    http: 500,
    issue: 'security',
    msa: 'AR',
    err3: '207',
    public: {
      fr: 'Le fichier de clés {file} n’est pas utilisable : {reason}. Attendu : un JWKS avec au moins une clé privée EC P-256 ou P-384.',
      en: 'The key file {file} cannot be used: {reason}. Expected: a JWKS with at least one private EC P-256 or P-384 key.',
    },
  },
  'listen-failed': {
    http: 500,
    issue: 'exception',
    msa: 'AR',
    err3: '207',
    public: {
      fr: 'Impossible d’écouter sur {address} ({reason}). Libérez l’adresse ou choisissez-en une autre.',
      en: 'Cannot listen on {address} ({reason}). Free the address or choose another.',
    },
  },
  'file-unreadable': {
    http: 500,
    issue: 'exception',
    msa: 'AR',
    err3: '207',
    public: {
      fr: 'Le fichier {file} est illisible ({reason}). Vérifiez le chemin et les droits.',
      en: 'The file {file} cannot be read ({reason}). Check the path and its permissions.',
    },
  },
  'port-unknown': {
    http: 500,
    issue: 'not-found',
    msa: 'AR',
    err3: '207',
    public: {
      fr: '{setting} vaut {address} : quel port la passerelle a pris, seule la ligne `listening` de son journal technique le dit. Donnez-le par {option}.',
      en: '{setting} is {address}: which port the gateway got, only the line `listening` of its log says. Give it by {option}.',
    },
  },
  'server-unreachable': {
    http: 502,
    issue: 'transient',
    msa: 'AR',
    err3: '207',
    public: {
      fr: '{address} ne répond pas ({reason}). Vérifiez l’adresse et que le serveur tourne.',
      en: '{address} does not answer ({reason}). Check the address and that the server runs.',
    },
  },
} satisfies Record<string, ErrorEntry>;
