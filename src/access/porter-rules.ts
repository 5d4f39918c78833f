import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { fault, PasserelleError } from '../errors.ts';
import { isProven } from '../proven.ts';

/** What a rule may ask about a request; `!` in front turns it round. The schema beside the rules lists the same names. */
export type Condition =
  | 'open-type'
  | 'patient-known'
  | 'own-record'
  | 'represents'
  | 'hidden-from-patient'
  | 'hidden-from-representatives'
  | 'hidden-from-professionals'
  | 'restricted'
  | 'very-restricted'
  | 'sensitive'
  | 'agreement-withdrawn'
  | 'opposed'
  | 'shared-record-refused'
  | 'author'
  | 'own-structure'
  | 'addressee'
  | 'general-practitioner'
  | 'care-team'
  | 'hospital-of-stay'
  | 'territory'
  | 'partner'
  | 'enrolled'
  | 'break-glass';

/**
 * - `machine`: a system authorised by its scopes alone; `tool`: a client limited to the patients enrolled in its programmes
 * - `professional`, `patient`, `representative`: a person a token speaks for
 */
export type AskerKind = 'machine' | 'tool' | 'professional' | 'patient' | 'representative';

/** One rule of `mappings/rules-access.json`: whom it is about, what it opens or hides, and when. */
export interface AccessRule {
  id: string;
  who: AskerKind[];
  /** Capacity in which a professional stands in the circle, `care` when absent; only circle conditions look at it. */
  as?: string;
  types?: string[];
  if: (Condition | `!${Condition}`)[];
  then: 'allow' | 'deny';
  /** Name of the view through which the resource is shown; whole when absent. */
  view?: string;
}

type Paths = Record<string, string[]>;
type Titles = { fr: string; en: string };
type Category = { system: string; code: string };

/** `mappings/rules-access.json`; `schema-rules-access.json` beside it says what each part means. */
export interface AccessRules {
  id: string;
  version: string;
  openTypes: string[];
  patientOf: Paths;
  authorOf: Paths;
  addresseeOf: Paths;
  custodianOf: Paths;
  chains: string[];
  labels: {
    hiddenFromProfessionals: string[];
    hiddenFromPatient: string[];
    hiddenFromRepresentatives: string[];
    restricted: string[];
    veryRestricted: string[];
    sensitive: string[];
  };
  unlabelled: string[];
  roles: Record<string, { title: Titles; codes: string[]; organizationTypes: string[] }>;
  views: Record<string, { title: Titles; elements: Paths; parameters: string[] }>;
  territory: { codes: string[]; areaSystem: string; programmes: string[] };
  siteSystem: string;
  currentStay: string[];
  agreement: string;
  sharedRecord: Category;
  opposition: Category;
  breakGlass: Category & { longestMinutes: number };
  rules: AccessRule[];
}

/** The capacity of whoever has no narrower one. */
export const CARE = 'care';

/** Name of the file in the mappings' folder. */
export const FILE = 'rules-access.json';

/** Reads and checks the rules of the mappings' folder. @throws PasserelleError `access-rules-invalid` with all faults. */
export function loadAccessRules(folder: string): AccessRules {
  const invalid = (pointer: string, problem: string) => fault('access-rules-invalid', { params: { pointer, problem } });
  const read = (name: string) => {
    try {
      const text = readFileSync(join(folder, name), 'utf8');
      return { text, value: JSON.parse(text) };
    } catch (error) {
      throw new PasserelleError(invalid(name, (error as Error).message), { cause: error });
    }
  };
  const schema = read('schema-rules-access.json');
  const { text, value: rules } = read(FILE) as { text: string; value: AccessRules };
  if (!isProven(schema.text, text)) {
    const check = new Ajv2020({ allErrors: true, strict: true }).compile(schema.value);
    const problems = check(rules) ? [] : (check.errors ?? []).slice(0, 20);
    const faults = problems.map((one) => invalid(one.instancePath || '/', one.message ?? 'not as the schema'));
    if (faults.length > 0) throw new PasserelleError(faults);
  }
  const dangling = rules.rules.flatMap((one, at) => [
    ...(one.as === undefined || one.as === CARE || rules.roles[one.as]
      ? []
      : [invalid(`/rules/${at}/as`, 'no such role')]),
    ...(one.view === undefined || rules.views[one.view] ? [] : [invalid(`/rules/${at}/view`, 'no such view')]),
  ]);
  if (dangling.length > 0) throw new PasserelleError(dangling);
  return rules;
}
