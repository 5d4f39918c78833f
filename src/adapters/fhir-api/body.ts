import type { Resource } from '@medplum/fhirtypes';
import type { Request } from 'express';
import { type Fault, fault, isError } from '../../errors.ts';
import { read } from '../../formats/fhir/index.ts';

const RESOURCE = /^(application\/(fhir\+)?(json|xml)|text\/(json|xml))\s*(;|$)/i;
const JSON_PATCH = /^application\/json-patch\+json\s*(;|$)/i;
const EXPECTED = 'application/fhir+json, application/fhir+xml';

/** The resource of a request's body, JSON or XML; all that is wrong with it when it cannot be read. */
export function readBody(request: Request): { resource: Resource } | { faults: Fault[] } {
  const bytes = request.body;
  if (!(bytes instanceof Uint8Array) || bytes.length === 0) return { faults: [fault('body-empty')] };
  const decoded = read(bytes);
  const errors = decoded.faults.filter(isError);
  return errors.length > 0 ? { faults: errors } : { resource: decoded.tree };
}

/**
 * The bytes a write is written down with, and their type. They are the sender's own, but for a Binary that came as itself:
 * that is wrapped into the resource it stands for.
 */
export function writeBody(
  request: Request,
  path: string,
): { bytes: Uint8Array; contentType?: string } | { faults: Fault[] } {
  const { method } = request;
  const bytes = request.body instanceof Uint8Array ? request.body : new Uint8Array();
  const contentType = request.get('content-type');
  if (method === 'DELETE') return { bytes: new Uint8Array() };
  if (bytes.length === 0) return { faults: [fault('body-empty')] };
  if (method === 'PATCH') return patch(bytes, contentType);
  if (contentType === undefined || RESOURCE.test(contentType)) return { bytes, contentType };
  if (/^Binary(\/|$)/.test(path)) return wrapped(bytes, contentType, path, request.get('x-security-context'));
  return { faults: [fault('fhir-type-unsupported', { params: { expected: EXPECTED } })] };
}

/** A JSON Patch must be JSON before it is worth writing down; a FHIRPath Patch is a resource like any other. */
function patch(bytes: Uint8Array, contentType: string | undefined): ReturnType<typeof writeBody> {
  if (contentType !== undefined && /fhir\+(json|xml)/i.test(contentType)) return { bytes, contentType };
  if (contentType === undefined || !JSON_PATCH.test(contentType)) {
    return {
      faults: [fault('fhir-type-unsupported', { params: { expected: `application/json-patch+json, ${EXPECTED}` } })],
    };
  }
  try {
    if (Array.isArray(JSON.parse(Buffer.from(bytes).toString('utf8')))) return { bytes, contentType };
  } catch {
    // Falls through: it is not JSON.
  }
  return { faults: [fault('fhir-request-invalid', { params: { reason: 'the body is not a JSON Patch' } })] };
}

/** https://hl7.org/fhir/R4/binary.html#rest */
function wrapped(bytes: Uint8Array, contentType: string, path: string, context: string | undefined) {
  const id = path.split(/[/?]/)[1];
  const resource = {
    resourceType: 'Binary',
    ...(path.startsWith('Binary/') && id ? { id } : {}),
    contentType,
    ...(context ? { securityContext: { reference: context } } : {}),
    data: Buffer.from(bytes).toString('base64'),
  };
  return { bytes: Buffer.from(JSON.stringify(resource)), contentType: 'application/fhir+json' };
}
