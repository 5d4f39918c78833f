import type { Resource } from '@medplum/fhirtypes';
import type { FhirEndpoint } from '../adapter.ts';
import type { Caller } from './caller.ts';
import { openFacts } from './porter-facts.ts';
import { type AccessRules, CARE } from './porter-rules.ts';

/** What the rules say about one kind of resource of one patient. */
export interface ExplainedAccess {
  kind: string;
  /** How it is marked; absent for what is not. */
  label?: string;
  allowed: boolean;
  rule: string;
  /** Narrowed to these elements. */
  view?: string;
}

/** In which capacities somebody stands, and what that opens of the patient's record: each kind of resource, each label. */
export async function explainAccess(
  rules: AccessRules,
  caller: Caller,
  patient: string,
  fhir: FhirEndpoint,
): Promise<{ capacities: string[]; known: boolean; kinds: ExplainedAccess[] }> {
  const facts = openFacts(rules, caller, fhir);
  const { references, organizations } = await facts.asker();
  const capacities = [...new Set([...references.values(), ...organizations.values()])];
  const probes = probesOf(rules, patient, [...organizations.keys()][0]);
  const verdicts = await facts.judge(probes.map((one) => one.resource));
  const kinds = probes.map(({ kind, label }, at) => {
    const { allowed = false, rule = 'default', view } = verdicts[at] ?? {};
    return { kind, ...(label ? { label } : {}), allowed, rule, ...(view ? { view } : {}) };
  });
  return { capacities: capacities.length > 0 ? capacities : [CARE], known: references.size > 0, kinds };
}

/** What the rules say to a professional seeing resources, by RPPS number and without a token: `unknown` when no rule applies. */
export async function stancesOf(
  rules: AccessRules,
  practitioner: string,
  resources: Resource[],
  fhir: FhirEndpoint,
): Promise<('allowed' | 'refused' | 'unknown')[]> {
  const caller = {
    practitioner,
    clientId: '',
    subject: practitioner,
    issuer: '',
    scopes: [],
    expiresAt: 0,
    sees: () => false,
  };
  const verdicts = await openFacts(rules, caller, fhir).judge(resources);
  return verdicts.map(({ allowed, rule }) => (allowed ? 'allowed' : rule === 'default' ? 'unknown' : 'refused'));
}

/** One resource of each kind, as if it were the patient's, and one document for each label. Addressed to the asker's own structure. */
function probesOf(rules: AccessRules, patient: string, organization: string | undefined) {
  const make = (type: string, label?: string) => {
    const resource: Record<string, unknown> = { resourceType: type, id: 'probe' };
    if (type === 'Patient') resource.id = patient;
    else place(resource, rules.patientOf[type] ?? [], { reference: `Patient/${patient}` });
    if (organization && rules.addresseeOf[type]) place(resource, rules.addresseeOf[type], { reference: organization });
    if (label) resource.meta = { security: [{ code: label }] };
    return { kind: type, label, resource: resource as unknown as Resource };
  };
  const types = ['Patient', ...Object.keys(rules.patientOf).filter((one) => one !== 'Provenance')];
  const labels = Object.values(rules.labels).flat();
  return [...types.map((type) => make(type)), ...labels.map((label) => make('DocumentReference', label))];
}

function place(resource: Record<string, unknown>, path: string[], value: unknown): void {
  const [first = '', ...rest] = path;
  resource[first] = rest.reduceRight((inner: unknown, step) => ({ [step]: inner }), value);
}
