import type { ErrorEntry } from './entry.ts';

/** What maps and profiles find: unmapped codes, missing content, profile violations. */
export const mappingErrors = {
  'code-unmapped': {
    http: 422,
    issue: 'code-invalid',
    msa: 'AE',
    err3: '103',
    public: {
      fr: 'Le code local n’a pas de correspondance ; il est gardé tel quel. Complétez la table {table}.',
      en: 'The local code has no mapping; it is kept as it is. Extend the table {table}.',
    },
  },
} satisfies Record<string, ErrorEntry>;
