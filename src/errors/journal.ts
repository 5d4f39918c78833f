import type { ErrorEntry } from './entry.ts';

/** The memory of the gateway: disk, ownership, payloads, work that cannot be ended. `not-durable` is with the doors. */
export const journalErrors = {
  'disk-low': {
    http: 503,
    issue: 'no-store',
    msa: 'AR',
    err3: '207',
    public: {
      fr: 'La passerelle n’a presque plus de place sur disque et n’accepte rien de plus. Renvoyez le message plus tard ; l’exploitant doit libérer de la place.',
      en: 'The gateway is almost out of disk space and takes nothing more. Send the message again later; the operator must free space.',
    },
  },
  'journal-unusable': {
    http: 503,
    issue: 'no-store',
    msa: 'AR',
    err3: '207',
    public: {
      fr: 'Le journal {where} ne peut pas être ouvert : {why}. Vérifiez PASSERELLE_DATA ou PASSERELLE_JOURNAL et les droits.',
      en: 'The journal {where} cannot be opened: {why}. Check PASSERELLE_DATA or PASSERELLE_JOURNAL and the permissions.',
    },
  },
  'journal-absent': {
    http: 503,
    issue: 'not-found',
    msa: 'AR',
    err3: '207',
    public: {
      fr: 'Il n’y a pas encore de journal dans {folder}. Démarrez une fois la passerelle (passerelle start), ou nommez son dossier de données par PASSERELLE_DATA (ou `data` dans la configuration).',
      en: 'There is no journal in {folder} yet. Start the gateway once (passerelle start), or name its data folder by PASSERELLE_DATA (or `data` in the configuration).',
    },
  },
  'origin-unknown': {
    http: 404,
    issue: 'not-found',
    msa: 'AE',
    err3: '204',
    public: {
      fr: 'Aucun message de ce journal n’a écrit {reference}. Vérifiez le type et l’id ; ce qui est venu par un autre serveur n’a pas d’origine ici.',
      en: 'No message of this journal wrote {reference}. Check type and id; what came by another server has no origin here.',
    },
  },
  'journal-busy': {
    http: 503,
    issue: 'lock-error',
    msa: 'AR',
    err3: '207',
    public: {
      fr: 'Une autre passerelle travaille déjà sur le journal {where}. Arrêtez-la, ou prenez un journal PostgreSQL pour plusieurs processus.',
      en: 'Another gateway already works on the journal {where}. Stop it, or use a PostgreSQL journal for several processes.',
    },
  },
  'payload-lost': {
    http: 500,
    issue: 'exception',
    msa: 'AR',
    err3: '207',
    public: {
      fr: 'Le contenu gardé de ce message ne peut pas être relu. Restaurez le dossier payloads du journal puis rejouez le message.',
      en: 'The kept content of this message cannot be read back. Restore the payloads folder of the journal, then replay the message.',
    },
  },
  'processing-failed': {
    http: 500,
    issue: 'exception',
    msa: 'AR',
    err3: '207',
    public: {
      fr: 'Le traitement du message s’est interrompu sur une erreur inattendue ; il sera repris. Voir le journal technique.',
      en: 'Processing of the message ended in an unexpected error; it will be tried again. See the log.',
    },
  },
  'given-up': {
    http: 500,
    issue: 'processing',
    msa: 'AR',
    err3: '207',
    public: {
      fr: 'Abandonné après {attempts} essais. Corrigez la cause puis rejouez (passerelle replay).',
      en: 'Given up after {attempts} attempts. Remove the cause, then replay it (passerelle replay).',
    },
  },
} satisfies Record<string, ErrorEntry>;
