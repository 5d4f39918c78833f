import type { Bundle } from '@medplum/fhirtypes';
import type { Delivery, DeliveryOutcome, DoorContext, DoorType, FhirResponse } from '../../adapter.ts';
import { fault } from '../../errors.ts';

/** The destination that every message has: one FHIR transaction, https://hl7.org/fhir/R4/http.html#transaction */
export const door: DoorType = {
  configSchema: { type: 'object', additionalProperties: false, properties: {} },
  create: (context) => ({
    deliver: (delivery) => deliver(delivery, context),
    async check() {
      const { status } = await context.fhir.send({ method: 'GET', path: 'metadata' });
      return status === 200 ? [] : [fault('fhir-unreachable', { detail: `metadata answered ${status}` })];
    },
  }),
};

async function deliver(delivery: Delivery, { fhir }: Pick<DoorContext, 'fhir'>): Promise<DeliveryOutcome> {
  const response = await fhir.send({ method: 'POST', path: '', body: delivery.payload });
  if (response.status < 300) return { outcome: 'delivered', references: referencesOf(response) };
  const detail = detailOf(response);
  switch (response.status) {
    case 429:
    case 503: {
      const seconds = Number(response.headers['retry-after']);
      const retryAfterSeconds = Number.isFinite(seconds) && seconds > 0 ? seconds : undefined;
      return { outcome: 'transient', faults: [fault('fhir-unreachable', { detail })], retryAfterSeconds };
    }
    // A version or an identity that somebody else has just written: worked out anew, the same message goes through.
    case 409:
    case 412:
      return { outcome: 'transient', faults: [fault('fhir-busy', { detail })], retryAfterSeconds: 0.05 };
    case 500:
    case 502:
    case 504:
      return { outcome: 'ambiguous', faults: [fault('fhir-timeout', { detail })] };
    default:
      return { outcome: 'permanent', faults: [fault('fhir-refused', { detail })] };
  }
}

/** `Type/id` of each entry that is there now, in the order of the transaction. */
function referencesOf(response: FhirResponse): string[] {
  const entries = (response.body as Bundle | undefined)?.entry ?? [];
  return entries.flatMap(({ response: one, resource }) => {
    const located = /([A-Z][A-Za-z]+\/[A-Za-z0-9.-]{1,64})(?:\/_history|$)/.exec(one?.location ?? '')?.[1];
    return located ?? (resource?.id ? `${resource.resourceType}/${resource.id}` : []);
  });
}

function detailOf({ status, body }: FhirResponse): string {
  return `${status} ${JSON.stringify(body ?? '').slice(0, 2000)}`;
}
