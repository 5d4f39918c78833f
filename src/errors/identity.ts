import type { ErrorEntry } from './entry.ts';

/** Who is who: INS, traits, matching. */
export const identityErrors = {
  'identity-mismatch': {
    http: 422,
    issue: 'conflict',
    msa: 'AR',
    err3: '207',
    err5: '904',
    public: {
      fr: 'Le message et le document qu’il porte nomment deux patients différents ; rien n’a été écrit, le message attend en quarantaine.',
      en: 'The message and the document inside name two different patients; nothing was written, the message waits in quarantine.',
    },
  },
} satisfies Record<string, ErrorEntry>;
