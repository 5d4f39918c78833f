import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { ErrorEntry } from '../src/errors/entry.ts';
import { register } from '../src/errors.ts';

/** Where the page lies. */
export const page = fileURLToPath(new URL('../docs/errors.md', import.meta.url));

/** The register of errors as a page, `npm run docs`. The register is the truth; the page is never written by hand. */
export function errorsPage(): string {
  const rows = Object.entries(register as Record<string, ErrorEntry>)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([code, entry]) => {
      const hl7 = [entry.msa, entry.err3, entry.err5].filter(Boolean).join(' ');
      return `| \`${code}\` | ${entry.http} | ${hl7} | ${entry.issue} | ${cell(entry.public.en)} | ${cell(entry.public.fr)} |`;
    });
  return `# Errors

Every refusal carries one of these codes: in an OperationOutcome as \`issue.details.coding.code\` of the system
\`http://passerelle.example/fhir/CodeSystem/error\`, in an HL7 v2 acknowledgement in ERR, on the command line and in the
log. A code keeps its meaning; senders may program against it. \`{…}\` is filled in with a place, a limit or a name, never
with anything about a patient. Written by \`npm run docs\` from \`src/errors/\`.

HL7 v2: acknowledgement code (MSA-1), ERR-3 (table 0357), ERR-5 (CI-SIS application code) where there is one. FHIR: the
code of the issue.

| code | HTTP | HL7 v2 | FHIR | English | français |
|---|---|---|---|---|---|
${rows.join('\n')}
`;
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ');
}

if (import.meta.main) writeFileSync(page, errorsPage());
