import type { Bundle, Resource } from '@medplum/fhirtypes';
import type { FhirRequest } from '../adapter.ts';
import type { CapabilityDetails } from './capabilities.ts';
import { pairsOf } from './query.ts';
import { asked, type Validate, type ValidationFinding } from './validate.ts';

/** What only the house knows and a request needs: functions cannot go to another thread, so their answers go along. */
export interface Lent {
  /** For the CapabilityStatement. */
  details?: Omit<CapabilityDetails, 'validates'>;
  /** What the examiner found about each resource to be validated, by {@link keyOf}. */
  findings?: Record<string, ValidationFinding[]>;
}

/** Those who live outside the store's thread and are asked for its sake. */
export interface Lenders {
  validate?: Validate;
  describe?: () => Omit<CapabilityDetails, 'validates'>;
}

/** What to send along with a request; undefined for nearly all of them. */
export function lend(request: FhirRequest, { validate, describe }: Lenders): Lent | undefined {
  const asking = partsOf(request);
  const details = asking.some(({ path }) => /^\/?metadata\b/.test(path)) ? describe?.() : undefined;
  const judged = validate ? asking.filter(({ path }) => path.includes('$validate')) : [];
  if (!details && judged.length === 0) return undefined;
  const findings: Lent['findings'] = {};
  for (const { path, body } of judged) {
    const { resource, profiles } = asked(body, pairsOf(path.split('?')[1] ?? ''));
    if (typeof resource?.resourceType === 'string') findings[keyOf(resource, profiles)] = validate!(resource, profiles);
  }
  return { ...(details ? { details } : {}), findings };
}

/** Names what the examiner was asked. */
export function keyOf(resource: Resource, profiles: string[] | undefined): string {
  return JSON.stringify([resource, profiles ?? []]);
}

/** The request, or the requests of a batch. */
function partsOf({ path, body }: FhirRequest): { path: string; body: unknown }[] {
  if (path !== '' && path !== '/') return [{ path, body }];
  const { resourceType, type, entry } = (body ?? {}) as Bundle;
  if (resourceType !== 'Bundle' || type !== 'batch' || !Array.isArray(entry)) return [];
  return entry.map((one) => ({ path: String(one?.request?.url ?? ''), body: one?.resource }));
}
