import type { Patient, Task } from '@medplum/fhirtypes';
import type { FhirEndpoint } from '../adapter.ts';
import type { Draft } from '../conversion.ts';
import { currentIns, identifierKey, identityKeys } from './ins.ts';
import { findByIdentifiers, replacedBy } from './lookup.ts';
import { reviewTask } from './review.ts';

/**
 * The question about a record that carries a number of another one, as an update by id can bring about: which of the two is
 * the person must be known before the next message asks. Nothing is said of retired records and of what a merge explains.
 * @returns undefined when the numbers are the record's alone
 * @throws PasserelleError `fhir-unreachable`
 */
export async function doubleOf(patient: Patient, endpoint: FhirEndpoint, at: Date): Promise<Draft<Task> | undefined> {
  if (patient.active === false || replacedBy(patient)) return undefined;
  const { patients } = await findByIdentifiers(endpoint, identityKeys(patient));
  const candidates = patients.filter((one) => one.id !== patient.id && one.active !== false);
  if (candidates.length === 0) return undefined;
  const ins = currentIns(patient).map(identifierKey);
  const isIns = candidates.some((one) => currentIns(one).some((other) => ins.includes(identifierKey(other))));
  return reviewTask({
    claim: patient,
    candidates,
    reason: isIns ? 'ins-several-records' : 'local-several-records',
    elements: [isIns ? 'ins' : 'localIdentifier'],
    written: `Patient/${patient.id}`,
    at,
  });
}
