/** FHIR R4 issue types used by the register, https://hl7.org/fhir/R4/valueset-issue-type.html */
export type IssueType =
  | 'invalid'
  | 'structure'
  | 'required'
  | 'value'
  | 'invariant'
  | 'security'
  | 'login'
  | 'expired'
  | 'forbidden'
  | 'processing'
  | 'not-supported'
  | 'duplicate'
  | 'multiple-matches'
  | 'not-found'
  | 'deleted'
  | 'too-long'
  | 'code-invalid'
  | 'extension'
  | 'too-costly'
  | 'business-rule'
  | 'conflict'
  | 'transient'
  | 'lock-error'
  | 'no-store'
  | 'exception'
  | 'timeout'
  | 'incomplete'
  | 'throttled'
  | 'informational';

/** Words in both languages: a sentence, or what fills a place in one. */
export interface Words {
  fr: string;
  en: string;
}

/**
 * One entry of the register of errors. The code is stable: senders may program against it.
 *
 * - `http` is the status a REST caller gets.
 * - `msa` and `err3` (table 0357), `err5` (application codes 900-906 of the CI-SIS error annex) are what an HL7 v2 sender
 *   gets: AE for content at fault, AR for circumstances.
 * - `public` is the sentence for the sender, in both languages: what is wrong and what to do. `{name}` is filled from the
 *   fault's `params`, which must never hold patient data.
 */
export interface ErrorEntry {
  http: number;
  issue: IssueType;
  msa: 'AE' | 'AR';
  err3: string;
  err5?: string;
  public: Words;
}
