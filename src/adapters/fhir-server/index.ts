import type { Bundle, OperationOutcome } from '@medplum/fhirtypes';
import type { Delivery, DeliveryOutcome, DoorType, FhirResponse } from '../../adapter.ts';
import { type ErrorCode, fault } from '../../errors.ts';
import { Together, type TogetherOptions } from './together.ts';

/**
 * The destination that every message has: one FHIR transaction, https://hl7.org/fhir/R4/http.html#transaction
 * With `resources`, messages that wait for the server share transactions of about so many.
 */
export const door: DoorType<TogetherOptions> = {
  configSchema: {
    type: 'object',
    additionalProperties: false,
    properties: {
      connections: { type: 'integer', minimum: 1, default: 4 },
      resources: { type: 'integer', minimum: 0, default: 0 },
    },
  },
  create: ({ fhir, config }) => {
    const post = (bundle: Bundle) => fhir.send({ method: 'POST', path: '', body: bundle, headers: MINIMAL });
    const together = config.resources > 0 ? new Together(post, config) : { send: post };
    return {
      deliver: (delivery) => deliver(delivery, together),
      async check() {
        const { status } = await fhir.send({ method: 'GET', path: 'metadata' });
        return status === 200 ? [] : [fault('fhir-unreachable', { detail: `metadata answered ${status}` })];
      },
    };
  },
};

const MINIMAL = { prefer: 'return=minimal' };

/** Races are run again at once, so often; after that the pause grows as for every failure. */
const QUICK_ATTEMPTS = 5;

async function deliver(delivery: Delivery, server: Pick<Together, 'send'>): Promise<DeliveryOutcome> {
  const response = await server.send(delivery.payload as Bundle);
  if (response.status >= 200 && response.status < 300) {
    return { outcome: 'delivered', references: referencesOf(response) };
  }
  return failureOf(response, delivery.attempt);
}

/** What kind of failure a status is: retry asks only that. */
function failureOf(response: FhirResponse, attempt: number): DeliveryOutcome {
  const { status } = response;
  const about = { params: { status }, detail: detailOf(response) };
  const of = (code: ErrorCode) => [fault(code, about)];
  switch (status) {
    case 408:
    case 425:
    case 429:
    case 502:
    case 503:
      return { outcome: 'transient', faults: of(busyOrAway(response)), ...retryAfter(response) };
    // Somebody else has just written the version or the identity: worked out anew, the same message goes through. Several
    // that match already will still do so tomorrow: a person must look.
    case 409:
    case 412:
      if (matchesSeveral(response)) return { outcome: 'permanent', faults: of('fhir-refused') };
      return {
        outcome: 'transient',
        faults: of('fhir-busy'),
        ...(attempt <= QUICK_ATTEMPTS ? { retryAfterSeconds: 0.05 * attempt } : {}),
      };
    // Sent, and nobody knows what became of it.
    case 500:
    case 504:
      return { outcome: 'ambiguous', faults: of('fhir-timeout') };
    // Too old a token, or none: somebody sets it right, and the message need not be looked for.
    case 401:
    case 403:
      return { outcome: 'transient', faults: of('fhir-unreachable') };
    default:
      return { outcome: 'permanent', faults: of('fhir-refused') };
  }
}

function busyOrAway({ status, body }: FhirResponse): ErrorCode {
  const issue = (body as OperationOutcome | undefined)?.issue?.[0];
  return status === 503 && issue?.code === 'transient' ? 'fhir-unreachable' : 'fhir-busy';
}

/** `Retry-After` in seconds or as a date, https://www.rfc-editor.org/rfc/rfc9110#field.retry-after */
function retryAfter({ headers }: FhirResponse): { retryAfterSeconds?: number } {
  const text = headers['retry-after'];
  if (!text) return {};
  const seconds = /^\d{1,6}$/.test(text) ? Number(text) : (Date.parse(text) - Date.now()) / 1000;
  return Number.isFinite(seconds) && seconds > 0 ? { retryAfterSeconds: Math.min(seconds, 3600) } : {};
}

/** The code of R4, or what HAPI says in words. */
function matchesSeveral({ body }: FhirResponse): boolean {
  const issues = (body as OperationOutcome | undefined)?.issue ?? [];
  return issues.some(
    (one) => one.code === 'multiple-matches' || /multiple (resources|matches)/i.test(one.diagnostics ?? ''),
  );
}

/** `Type/id` of each entry that is there now, in the order of the transaction. */
function referencesOf(response: FhirResponse): string[] {
  const entries = (response.body as Bundle | undefined)?.entry ?? [];
  return entries.flatMap(({ response: one, resource }) => {
    const located = /([A-Z][A-Za-z]+\/[A-Za-z0-9.-]{1,64})(?:\/_history|$)/.exec(one?.location ?? '')?.[1];
    return located ?? (resource?.id ? `${resource.resourceType}/${resource.id}` : []);
  });
}

/** The server's own words: private, for the journal. */
function detailOf({ status, body }: FhirResponse): string {
  return `${status} ${JSON.stringify(body ?? '').slice(0, 2000)}`;
}
