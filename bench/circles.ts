import type { FhirEndpoint } from '../src/adapter.ts';

/** Of each care team. */
export const members = 20;

const RPPS = 'https://rpps.esante.gouv.fr';

/** The number of the first member, who is in every team. */
export const member = '10000000001';

/** A general practitioner's pull of the care plan of the patient of this number. */
export function pullOf(patient: number): string {
  return `CarePlan?patient=p${patient}&_include=CarePlan:subject&_revinclude=Task:based-on`;
}

/** Patients `p0`, `p1` … with a team, a care plan and four tasks each. */
export async function fill(fhir: FhirEndpoint, patients: number): Promise<void> {
  const put = (resource: { resourceType: string; id: string }) => ({
    resource,
    request: { method: 'PUT', url: `${resource.resourceType}/${resource.id}` },
  });
  const person = (id: string) => ({ resourceType: 'Practitioner', id, identifier: [{ system: RPPS, value: id }] });
  const team = Array.from({ length: members }, (_one, at) => String(Number(member) + at));
  let entry: unknown[] = team.map((id) => put(person(id)));
  const send = async () => {
    await fhir.send({ method: 'POST', path: '', body: { resourceType: 'Bundle', type: 'transaction', entry } });
    entry = [];
  };
  for (let index = 0; index < patients; index++) {
    const subject = { reference: `Patient/p${index}` };
    const participant = team.map((id) => ({ member: { reference: `Practitioner/${id}` } }));
    const all = [
      { resourceType: 'Patient', id: `p${index}` },
      { resourceType: 'CareTeam', id: `t${index}`, status: 'active', subject, participant },
      { resourceType: 'CarePlan', id: `c${index}`, status: 'active', intent: 'plan', subject },
      ...[1, 2, 3, 4].map((number) => ({
        resourceType: 'Task',
        id: `k${index}-${number}`,
        status: 'ready',
        intent: 'order',
        for: subject,
        basedOn: [{ reference: `CarePlan/c${index}` }],
      })),
    ];
    entry.push(...all.map(put));
    if (entry.length > 1000) await send();
  }
  await send();
}
