import type { Resource } from '@medplum/fhirtypes';
import type { Conversion } from '../conversion.ts';
import { type Fault, fault, warning } from '../errors.ts';
import type { Finding } from '../profile/finding.ts';
import type { House } from './house.ts';
import { mend } from './mend.ts';

/** Definitions of the project itself: what breaks them is held back; what breaks others' is recorded and delivered. */
const OWN = 'http://passerelle.example/fhir/';

/** R4's own types; HL7's profiles and extensions stand beside them in lower case. */
const R4_TYPE = /^http:\/\/hl7\.org\/fhir\/StructureDefinition\/[A-Z]/;

/** What makes a resource FHIR at all: whoever reads it relies on these rules of R4; its invariants are others' advice. */
const FORM = new Set(['shape', 'unknown-property', 'empty', 'format', 'min', 'max', 'choice', 'type', 'binding']);

/** Published definitions are taken as they are: nobody is treated by them, and official ones give two examples in one. */
const DEFINITIONS = /(StructureDefinition|ElementDefinition)$/;

type JudgingHouse = Pick<House, 'examiner' | 'nonconforming'>;

/** The rule of extensible bindings. */
const ADVICE = 'binding-extensible';

/**
 * Judges every draft against R4 and the profiles it claims. An error against one of the project's own profiles, or against the
 * form of R4's types (a date that is none, a status that does not exist), keeps the message in quarantine; any other finding is
 * recorded with it. What a document or an HL7 v2 message says in a form that FHIR cannot hold is left out first, see
 * {@link mend}.
 */
export function judge(conversion: Conversion, house: JudgingHouse): Fault[] {
  const found = conversion.drafts.flatMap(({ resource }) => judgeResource(resource, house));
  if (!found.some(({ rule, code }) => rule !== undefined && code === 'resource-finding')) return found;
  const mended = mend(conversion, house);
  if (mended.length === 0) return found;
  return [...mended, ...conversion.drafts.flatMap(({ resource }) => judgeResource(resource, house))];
}

/**
 * The findings about one resource as faults. What could not be judged is left out, and so is advice: French identifier types
 * and roles stand beside HL7's by design, and a warning on every message would hide those that matter.
 */
export function judgeResource(resource: Resource, { examiner, nonconforming }: JudgingHouse): Fault[] {
  return examiner
    .judge(resource)
    .filter(({ severity, rule }) => severity !== 'information' && rule !== ADVICE)
    .map((finding): Fault => {
      const rule = `${finding.profile}#${finding.rule}`;
      const said = { place: finding.path, rule, params: { message: finding.message.en } };
      return nonconforming !== 'deliver' && holds(finding)
        ? fault('resource-finding', said)
        : warning('resource-finding', said);
    });
}

/** Whether a finding keeps the resource from being written. */
function holds({ severity, profile, rule }: Finding): boolean {
  if (severity !== 'error') return false;
  return profile.startsWith(OWN) || (R4_TYPE.test(profile) && !DEFINITIONS.test(profile) && FORM.has(rule));
}
