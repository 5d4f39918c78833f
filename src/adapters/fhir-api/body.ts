import type { Resource } from '@medplum/fhirtypes';
import type { Request } from 'express';
import { type Fault, fault } from '../../errors.ts';
import { read } from '../../formats/fhir/index.ts';

/** The resource of a request's body, JSON or XML; all that is wrong with it when it cannot be read. */
export function readBody(request: Request): { resource: Resource } | { faults: Fault[] } {
  const bytes = request.body;
  if (!(bytes instanceof Uint8Array) || bytes.length === 0) return { faults: [fault('body-empty')] };
  const decoded = read(bytes);
  const errors = decoded.faults.filter((one) => one.severity === 'error');
  return errors.length > 0 ? { faults: errors } : { resource: decoded.tree };
}
