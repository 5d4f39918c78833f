import type { Resource } from '@medplum/fhirtypes';
import type { Demand, Need } from './demands.ts';
import { formatScope, type Scope } from './scopes.ts';

/** A token's reach, as far as scopes go. */
export interface Holder {
  scopes: Scope[];
  /** Id of the patient in context, for `patient/` scopes. */
  patient?: string;
}

/** Search parameters all of which a resource must match. */
export type Constraint = [name: string, value: string][];

/**
 * - `denied`: `scope` is what the token would have to carry
 * - `granted` without `within`: all resources of the type; with it: those that match one of the constraints
 */
export type Decision = { granted: false; scope: string } | { granted: true; within?: Constraint[] };

/** Decides one demand by scopes alone. Pure; no scope, no access. */
export function decide(holder: Holder, demand: Demand): Decision {
  const within: Constraint[] = [];
  for (const need of demand.anyOf) {
    for (const scope of holder.scopes) {
      const constraint = reach(holder, scope, need);
      if (constraint === undefined) continue;
      if (constraint.length === 0) return { granted: true };
      within.push(constraint);
    }
  }
  return within.length > 0 ? { granted: true, within } : { granted: false, scope: scopeFor(holder, demand) };
}

/** Whether the scopes let this very resource be seen, by reading or by searching. */
export function seesResource(holder: Holder, resource: Resource): boolean {
  const type = resource.resourceType;
  const anyOf: Need[] = [
    { type, permission: 'r' },
    { type, permission: 's' },
  ];
  const decision = decide(holder, { anyOf, on: 'instance' });
  if (!decision.granted) return false;
  return decision.within?.some((constraint) => matches(resource, constraint)) ?? true;
}

/** The constraint under which a scope meets a need: empty for none, undefined when it does not meet it. */
function reach(holder: Holder, scope: Scope, need: Need): Constraint | undefined {
  if (scope.type !== '*' && scope.type !== need.type) return undefined;
  if (!scope.permissions.includes(need.permission)) return undefined;
  if (scope.context !== 'patient') return scope.query;
  if (!holder.patient) return undefined;
  if (need.type === 'Patient') return [['_id', holder.patient], ...scope.query];
  if (ofOnePatient.has(need.type)) return [['patient', holder.patient], ...scope.query];
  const readsOfAll = ofNobody.has(need.type) && (need.permission === 'r' || need.permission === 's');
  return readsOfAll ? scope.query : undefined;
}

/** The scope that would meet a demand, in the context the token already speaks in. */
export function scopeFor(holder: Holder, demand: Demand): string {
  const context = holder.scopes[0]?.context ?? 'system';
  const { type, permission } = demand.anyOf[0] as Need;
  return formatScope({ context, type, permissions: permission, query: [] });
}

/** The parameters to add to a search so that it finds only what one of the constraints allows; undefined: cannot be said. */
export function asSearch(within: Constraint[], query: URLSearchParams): Constraint | undefined {
  const [first] = within;
  if (within.length === 1 && first) return first;
  const implied = within.find((one) => one.every(([name, value]) => query.getAll(name).includes(value)));
  if (implied) return [];
  const [name] = first?.[0] ?? [];
  const single = within.every((one) => one.length === 1 && one[0]?.[0] === name);
  return single && name ? [[name, within.map((one) => one[0]?.[1]).join(',')]] : undefined;
}

/**
 * Whether a resource matches a constraint, for the parameters scopes use: `_id`, `patient` and tokens that name an element
 * (`category`, `code`, `status`, `type`). A parameter beyond these matches nothing: better refused than guessed.
 */
export function matches(resource: Resource, constraint: Constraint): boolean {
  return constraint.every(([name, value]) => value.split(',').some((one) => matchesOne(resource, name, one)));
}

function matchesOne(resource: Resource, name: string, value: string): boolean {
  const fields = resource as unknown as Record<string, unknown>;
  if (name === '_id') return resource.id === value;
  if (name === 'patient') {
    const id = value.replace(/^Patient\//, '');
    return ['subject', 'patient', 'for', 'beneficiary', 'individual'].some(
      (element) => (fields[element] as { reference?: string } | undefined)?.reference === `Patient/${id}`,
    );
  }
  if (!['category', 'code', 'status', 'type', 'class'].includes(name)) return false;
  return [fields[name]].flat().some((element) => codings(element).some((coding) => tokenMatches(coding, value)));
}

function codings(element: unknown): { system?: string; code?: string }[] {
  if (typeof element === 'string') return [{ code: element }];
  if (typeof element !== 'object' || element === null) return [];
  const { coding, code } = element as { coding?: unknown; code?: unknown };
  if (Array.isArray(coding)) return coding.filter((one) => typeof one === 'object' && one !== null);
  return typeof code === 'string' ? [element as { system?: string; code: string }] : [];
}

function tokenMatches(coding: { system?: string; code?: string }, value: string): boolean {
  const bar = value.indexOf('|');
  if (bar < 0) return coding.code === value;
  const system = value.slice(0, bar);
  const code = value.slice(bar + 1);
  return (coding.system ?? '') === system && (code === '' || coding.code === code);
}

/** Types of the patient compartment that are searched with `patient`. */
const ofOnePatient = new Set(
  `Account AllergyIntolerance Appointment AuditEvent Basic BodyStructure CarePlan CareTeam ChargeItem Claim
   ClinicalImpression Communication CommunicationRequest Composition Condition Consent Coverage DetectedIssue
   DeviceRequest DeviceUseStatement DiagnosticReport DocumentManifest DocumentReference Encounter EpisodeOfCare
   FamilyMemberHistory Flag Goal ImagingStudy Immunization List MeasureReport MedicationAdministration MedicationDispense
   MedicationRequest MedicationStatement NutritionOrder Observation Person Procedure Provenance QuestionnaireResponse
   RelatedPerson RequestGroup RiskAssessment ServiceRequest Specimen SupplyDelivery SupplyRequest Task
   VisionPrescription`.split(/\s+/),
);

/** Types that say nothing about a patient, which a patient's token may read. */
const ofNobody = new Set(
  `ActivityDefinition CapabilityStatement CodeSystem ConceptMap HealthcareService Location Medication Organization
   PlanDefinition Practitioner PractitionerRole Questionnaire StructureDefinition ValueSet`.split(/\s+/),
);
