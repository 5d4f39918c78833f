import { accessErrors } from './errors/access.ts';
import { configErrors } from './errors/config.ts';
import { doorErrors } from './errors/doors.ts';
import type { ErrorEntry, Words } from './errors/entry.ts';
import { fhirInputErrors } from './errors/fhir-input.ts';
import { fhirServerErrors } from './errors/fhir-server.ts';
import { formatErrors } from './errors/formats.ts';
import { formErrors } from './errors/forms.ts';
import { hl7v2Errors } from './errors/hl7v2.ts';
import { hl7v2DocumentErrors } from './errors/hl7v2-document.ts';
import { identityErrors } from './errors/identity.ts';
import { journalErrors } from './errors/journal.ts';
import { mailErrors } from './errors/mail.ts';
import { mappingErrors } from './errors/mapping.ts';
import { pathwayErrors } from './errors/pathway.ts';
import { profileErrors } from './errors/profile.ts';
import { sharedRecordErrors } from './errors/shared-record.ts';
import { storeErrors } from './errors/store.ts';
import { withMeaning } from './errors/system.ts';
import { webErrors } from './errors/web.ts';

/** The one register of errors; each area keeps its table in `src/errors/`. */
export const register = {
  ...accessErrors,
  ...configErrors,
  ...doorErrors,
  ...fhirInputErrors,
  ...fhirServerErrors,
  ...formatErrors,
  ...hl7v2Errors,
  ...hl7v2DocumentErrors,
  ...identityErrors,
  ...journalErrors,
  ...mailErrors,
  ...formErrors,
  ...mappingErrors,
  ...pathwayErrors,
  ...profileErrors,
  ...sharedRecordErrors,
  ...storeErrors,
  ...webErrors,
} satisfies Record<string, ErrorEntry>;

/** A code of the register; stable, because senders and operators act on it. */
export type ErrorCode = keyof typeof register;

/**
 * Something found wrong (or worth saying) about a message. Pure stages return all of them; they never throw for content.
 *
 * `place` is where in the source: `PID-3[2].4.2`, an XPath, a JSON pointer. `detail` is private: it goes to the log at
 * `debug` and into the quarantine, never to a sender.
 */
export interface Fault {
  code: ErrorCode;
  severity: 'error' | 'warning' | 'information';
  place?: string;
  /** Map and rule, when a map found it: `cda-header.map#author`. */
  rule?: string;
  params?: Record<string, string | number | Words>;
  detail?: string;
}

/** A fault that ends what was going on; thrown only at the edges (I/O), never by pure stages. */
export class PasserelleError extends Error {
  readonly faults: Fault[];
  constructor(faults: Fault | Fault[], options?: { cause?: unknown }) {
    const list = Array.isArray(faults) ? faults : [faults];
    super(list.map((fault) => sentence(fault, 'en')).join(' '), options);
    this.name = 'PasserelleError';
    this.faults = list;
  }
}

/** Builds an error-level fault. */
export function fault(code: ErrorCode, rest: Omit<Fault, 'code' | 'severity'> = {}): Fault {
  return { code, severity: 'error', ...rest };
}

/** Builds a warning. */
export function warning(code: ErrorCode, rest: Omit<Fault, 'code' | 'severity'> = {}): Fault {
  return { code, severity: 'warning', ...rest };
}

/** True for what stops the work: a fault or a finding that is neither a warning nor information. */
export function isError(one: { severity: string }): boolean {
  return one.severity === 'error';
}

/** The sentence a sender may read, with its parameters filled in. */
export function sentence(fault: Fault, language: 'fr' | 'en' = 'en'): string {
  const entry: ErrorEntry = register[fault.code];
  return entry.public[language].replace(/\{(\w+)\}/g, (_, name) => said(fault.params?.[name], language));
}

/** What fills the places of a fault's sentence, in one language. */
export function paramsIn({ params }: Fault, language: 'fr' | 'en'): Record<string, string | number> | undefined {
  if (!params) return undefined;
  const entries = Object.entries(params);
  return Object.fromEntries(
    entries.map(([name, value]) => [name, typeof value === 'object' ? value[language] : value]),
  );
}

function said(value: string | number | Words = '', language: 'fr' | 'en'): string {
  return typeof value === 'object' ? value[language] : withMeaning(String(value), language);
}

/** The worst HTTP status among the faults' (the first error decides; 400 when there is none). */
export function httpStatus(faults: Fault[]): number {
  const first = faults.find(isError) ?? faults[0];
  return first ? register[first.code].http : 400;
}

/** An OperationOutcome as the FHIR API and the HTTP doors answer it: code of the register, sentence, place. */
export function operationOutcome(faults: Fault[], language: 'fr' | 'en' = 'en') {
  return {
    resourceType: 'OperationOutcome' as const,
    issue: faults.map((one) => ({
      severity: one.severity,
      code: register[one.code].issue,
      details: {
        coding: [{ system: 'http://passerelle.example/fhir/CodeSystem/error', code: one.code }],
        text: sentence(one, language),
      },
      ...(one.place ? { expression: [one.place] } : {}),
      ...(one.rule ? { diagnostics: one.rule } : {}),
    })),
  };
}
