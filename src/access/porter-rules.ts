import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { fault, PasserelleError } from '../errors.ts';

/** What a rule may ask about a request; `!` in front turns it round. */
export type Condition =
  | 'open-type'
  | 'patient-known'
  | 'own-record'
  | 'hidden-from-patient'
  | 'hidden-from-professionals'
  | 'very-restricted'
  | 'agreement-withdrawn'
  | 'author'
  | 'general-practitioner'
  | 'care-team'
  | 'break-glass';

export interface AccessRule {
  id: string;
  who: ('machine' | 'professional' | 'patient')[];
  if: (Condition | `!${Condition}`)[];
  then: 'allow' | 'deny';
}

/** `mappings/rules-access.json`; `schema-rules-access.json` beside it says what each part means. */
export interface AccessRules {
  id: string;
  version: string;
  openTypes: string[];
  patientOf: Record<string, string[]>;
  authorOf: Record<string, string[]>;
  chains: string[];
  labels: { hiddenFromProfessionals: string[]; hiddenFromPatient: string[]; veryRestricted: string[] };
  agreement: string;
  breakGlass: { system: string; code: string; longestMinutes: number };
  rules: AccessRule[];
}

const FILE = 'rules-access.json';

/** Reads and checks the rules of the mappings' folder. @throws PasserelleError `access-rules-invalid` with all faults. */
export function loadAccessRules(folder: string): AccessRules {
  const invalid = (pointer: string, problem: string) => fault('access-rules-invalid', { params: { pointer, problem } });
  const read = (name: string) => {
    try {
      return JSON.parse(readFileSync(join(folder, name), 'utf8'));
    } catch (error) {
      throw new PasserelleError(invalid(name, (error as Error).message), { cause: error });
    }
  };
  const check = new Ajv2020({ allErrors: true, strict: true }).compile(read('schema-rules-access.json'));
  const rules = read(FILE) as unknown;
  if (check(rules)) return rules as AccessRules;
  const problems = (check.errors ?? []).slice(0, 20);
  throw new PasserelleError(
    problems.map((one) => invalid(one.instancePath || '/', one.message ?? 'not as the schema')),
  );
}
