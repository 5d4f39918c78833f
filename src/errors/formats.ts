import type { ErrorEntry } from './entry.ts';

/** What the readers find: syntax, character sets, structure, payloads. */
export const formatErrors = {
  'format-unknown': {
    http: 415,
    issue: 'not-supported',
    msa: 'AR',
    err3: '207',
    public: {
      fr: 'Ce contenu n’est ni HL7 v2, ni CDA, ni FHIR, ni un format de route connu.',
      en: 'This content is neither HL7 v2, CDA, FHIR nor the format of a known route.',
    },
  },
} satisfies Record<string, ErrorEntry>;
