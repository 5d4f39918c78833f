import type { ErrorEntry } from './entry.ts';

/** Who is who: INS, traits, matching. Sentences name elements of an identity, never their values. */
export const identityErrors = {
  'identity-mismatch': {
    http: 422,
    issue: 'conflict',
    msa: 'AR',
    err3: '207',
    err5: '904',
    public: {
      fr: 'Le message et le document qu’il porte nomment deux patients différents ({elements}) ; rien n’a été écrit, le message attend en quarantaine.',
      en: 'The message and the document inside name two different patients ({elements}); nothing was written, the message waits in quarantine.',
    },
  },
  'identity-review': {
    http: 409,
    issue: 'conflict',
    msa: 'AE',
    err3: '207',
    err5: '904',
    public: {
      fr: 'L’identité du patient ne peut pas être rapprochée sans une personne ({elements}) ; une tâche de revue d’identité est ouverte et le message attend sa décision.',
      en: 'The patient’s identity cannot be matched without a person ({elements}); an identity review task is open and the message waits for its decision.',
    },
  },
  'identity-twice': {
    http: 422,
    issue: 'duplicate',
    msa: 'AE',
    err3: '207',
    public: {
      fr: 'Deux Patient du Bundle portent le même identifiant. Envoyez la personne une seule fois et renvoyez-y par son fullUrl.',
      en: 'Two Patients of the Bundle carry the same identifier. Send the person once and refer to it by its fullUrl.',
    },
  },
  'identity-possible-duplicate': {
    http: 200,
    issue: 'multiple-matches',
    msa: 'AE',
    err3: '207',
    public: {
      fr: 'Un autre dossier pourrait être celui de la même personne ({elements}) ; les deux restent séparés et une tâche de revue d’identité est ouverte.',
      en: 'Another record may be of the same person ({elements}); both are kept apart and an identity review task is open.',
    },
  },
  'identity-traits-differ': {
    http: 200,
    issue: 'conflict',
    msa: 'AE',
    err3: '207',
    public: {
      fr: 'Le patient est reconnu, mais des traits diffèrent ({elements}). Vérifiez-les à la source.',
      en: 'The patient is recognised, but traits differ ({elements}). Check them at the source.',
    },
  },
  'identity-traits-missing': {
    http: 200,
    issue: 'incomplete',
    msa: 'AE',
    err3: '101',
    public: {
      fr: 'L’identité du patient est incomplète ({elements}). Envoyez les traits stricts avec l’identifiant.',
      en: 'The patient’s identity is incomplete ({elements}). Send the strict traits with the identifier.',
    },
  },
  'identity-unidentified': {
    http: 200,
    issue: 'incomplete',
    msa: 'AE',
    err3: '101',
    public: {
      fr: 'Le patient n’a ni INS ni identifiant local avec son émetteur ; un dossier à part est créé. Envoyez l’identifiant avec son autorité d’affectation.',
      en: 'The patient has neither an INS nor a local identifier with its issuer; a separate record is made. Send the identifier with its assigning authority.',
    },
  },
  'ins-key-invalid': {
    http: 200,
    issue: 'value',
    msa: 'AE',
    err3: '102',
    public: {
      fr: 'Le matricule INS n’a pas la forme ou la clé attendue ; il est gardé mais ne sert pas de matricule INS. Vérifiez-le à la source.',
      en: 'The INS number does not have the expected shape or key; it is kept but not used as an INS. Check it at the source.',
    },
  },
  'identity-merge-refused': {
    http: 409,
    issue: 'conflict',
    msa: 'AE',
    err3: '207',
    err5: '904',
    public: {
      fr: 'La fusion n’a pas été faite : les deux dossiers se contredisent ({elements}). Une tâche de revue d’identité est ouverte.',
      en: 'The merge was not done: the two records contradict each other ({elements}). An identity review task is open.',
    },
  },
  'identity-merge-circular': {
    http: 409,
    issue: 'conflict',
    msa: 'AE',
    err3: '207',
    public: {
      fr: 'Les fusions de ce dossier tournent en rond. Défaites l’une d’elles dans la revue d’identité.',
      en: 'The merges of this record run in a circle. Undo one of them in the identity review.',
    },
  },
  'identity-busy': {
    http: 503,
    issue: 'lock-error',
    msa: 'AR',
    err3: '206',
    public: {
      fr: 'Le dossier du patient change sans cesse ; le message est gardé et sera repris.',
      en: 'The patient’s record keeps changing; the message is kept and will be taken up again.',
    },
  },
  'identity-decision-unknown': {
    http: 404,
    issue: 'not-found',
    msa: 'AE',
    err3: '204',
    public: {
      fr: 'Aucune décision de ce genre n’est enregistrée pour ce dossier ou cette tâche de revue.',
      en: 'No such decision is recorded for this record or review task.',
    },
  },
  'document-unknown': {
    http: 422,
    issue: 'not-found',
    msa: 'AE',
    err3: '207',
    err5: '906',
    public: {
      fr: 'Le document à remplacer ou à retirer n’est pas connu ici. Envoyez d’abord le document, ou corrigez son identifiant.',
      en: 'The document to replace or withdraw is not known here. Send the document first, or correct its identifier.',
    },
  },
  'document-parent-unknown': {
    http: 200,
    issue: 'not-found',
    msa: 'AE',
    err3: '207',
    err5: '906',
    public: {
      fr: 'Le document remplacé n’est pas connu ici ; le nouveau est gardé seul.',
      en: 'The document that is replaced is not known here; the new one is kept by itself.',
    },
  },
  'document-other-patient': {
    http: 422,
    issue: 'conflict',
    msa: 'AR',
    err3: '207',
    err5: '904',
    public: {
      fr: 'Le document ou l’évènement visé concerne un autre patient ; rien n’a été changé.',
      en: 'The document or event meant is about another patient; nothing was changed.',
    },
  },
  'document-not-latest': {
    http: 422,
    issue: 'conflict',
    msa: 'AE',
    err3: '207',
    err5: '900',
    public: {
      fr: 'La version visée n’est pas la dernière du document. Remplacez ou retirez la dernière.',
      en: 'The version meant is not the latest of the document. Replace or withdraw the latest one.',
    },
  },
  'document-foreign-author': {
    http: 422,
    issue: 'forbidden',
    msa: 'AR',
    err3: '207',
    err5: '901',
    public: {
      fr: 'L’émetteur n’est ni l’auteur du document ni de la même structure ; rien n’a été changé.',
      en: 'The sender is neither the author of the document nor of the same structure; nothing was changed.',
    },
  },
  'event-unknown': {
    http: 200,
    issue: 'not-found',
    msa: 'AE',
    err3: '207',
    public: {
      fr: 'L’évènement à annuler n’est pas connu ici ; il n’y avait rien à annuler.',
      en: 'The event to cancel is not known here; there was nothing to cancel.',
    },
  },
} satisfies Record<string, ErrorEntry>;
