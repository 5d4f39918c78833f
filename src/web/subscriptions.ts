import type { Bundle, Resource } from '@medplum/fhirtypes';
import type { RequestHandler } from 'express';
import { fhirBase, safeSteps } from '../access/demands.ts';
import { refuse } from '../adapter/answer.ts';
import { fault } from '../errors.ts';
import { readResource } from './content.ts';

/**
 * Refuses every write of a Subscription, machines' too: a FHIR server behind would notify past the porter, also after an agreement
 * was taken back, to whatever address it names. https://hl7.org/fhir/R4/subscription.html#7.2.4
 */
export function withoutSubscriptions(): RequestHandler {
  return (request, response, next) => {
    const { method, url } = request;
    if (method === 'GET' || method === 'HEAD' || !url.startsWith(fhirBase)) return next();
    const steps = safeSteps(url.split('?')[0] as string) ?? [];
    const isNamed = steps[2] === TYPE && steps.at(-1) !== '_search';
    if (isNamed || carries(request.body as Buffer))
      return refuse(request, response, [fault('subscription-unsupported')]);
    next();
  };
}

const TYPE = 'Subscription';

/** The body is only read when the word is in it: a Bundle may have forty megabytes. */
function carries(body: Buffer): boolean {
  if (!body.includes(TYPE)) return false;
  const resource = readResource(body);
  const carried = resource?.resourceType === 'Bundle' ? entriesOf(resource) : [resource];
  return carried.some((one) => one?.resourceType === TYPE);
}

function entriesOf({ entry }: Bundle): (Resource | undefined)[] {
  return Array.isArray(entry) ? entry.map((one) => one?.resource) : [];
}
