import type { Bundle, BundleEntry, DocumentReference, Resource } from '@medplum/fhirtypes';
import type { NextFunction, Request, Response, Router } from 'express';
import { refuse } from '../../adapter/answer.ts';
import { asked } from '../../adapter/fhir-asked.ts';
import { applyWrite } from '../../adapter/fhir-write.ts';
import type { DoorContext, FhirResponse } from '../../adapter.ts';
import { isError, operationOutcome } from '../../errors.ts';
import { read } from '../../formats/fhir/index.ts';
import type { PdsmConfig } from './config.ts';
import { find } from './find.ts';
import { examinePatch, type PatchTarget } from './metadata.ts';
import { isSubmissionSet } from './names.ts';
import { type Examined, examineProvide } from './provide.ts';
import { examineSimplified, isSimplified } from './simplified.ts';

const BASE = '/fhir/R4';
type Context = DoorContext<PdsmConfig>;

/** Takes what is MHD's; everything else on this base is for the doors behind it. */
export function manage(router: Router, context: Context): void {
  router.use(BASE, (request, response, next) => route(request, response, next, context));
}

async function route(request: Request, response: Response, next: NextFunction, given: Context): Promise<void> {
  const { method } = request;
  // What a person may not see does not exist here either.
  const context: Context = { ...given, fhir: request.caller?.fhir ?? given.fhir };
  const [steps = '', query] = asked(request).path.split(/\?(.*)/s);
  if (/^(List|DocumentReference)$/.test(steps) && method === 'GET') return find(request, response, next, context);
  if (/^(List|DocumentReference)\/_search$/.test(steps) && method === 'POST')
    return find(request, response, next, context);
  if (method === 'PATCH') {
    const target = patchTarget(steps, query);
    return target ? change(request, response, target, context, next) : next();
  }
  if (method !== 'POST') return next();
  if (steps === '' && mayProvide(request.body)) {
    const bundle = bodyOf(request);
    return isProvide(bundle) ? provide(request, response, bundle, context) : next();
  }
  if (steps === 'DocumentReference' && !query && !request.get('if-none-exist')) {
    const document = bodyOf(request);
    return isSimplified(document) ? publish(request, response, document, context) : next();
  }
  next();
}

function patchTarget(steps: string, query: string | undefined): PatchTarget | undefined {
  const [type, id, more] = steps.split('/');
  if ((type !== 'DocumentReference' && type !== 'List') || more !== undefined) return undefined;
  if (id) return { type, id };
  return query ? { type, query } : undefined;
}

/** Metadata update, IHE RMU as PDSm constrains it. */
async function change(
  request: Request,
  response: Response,
  target: PatchTarget,
  context: Context,
  next: NextFunction,
): Promise<void> {
  const { faults, instead } = await examinePatch(request, target, context.fhir);
  if (faults.length > 0) return refuse(request, response, faults);
  if (!instead) return next();
  const bytes = Buffer.from(JSON.stringify(instead.patch));
  const contentType = 'application/json-patch+json';
  return applyWrite(request, response, { method: 'PATCH', path: instead.path, bytes, contentType }, context);
}

/** What cannot be read is the FHIR API's to refuse. */
function bodyOf({ body }: Request): Resource | undefined {
  if (!(body instanceof Uint8Array) || body.length === 0) return undefined;
  const { faults, tree } = read(body);
  return faults.some(isError) ? undefined : tree;
}

/** Spares other transactions a second reading. */
function mayProvide(body: unknown): body is Buffer {
  return Buffer.isBuffer(body) && ['submissionset', 'rovide'].some((word) => body.includes(word));
}

/** A transaction is a provide when it says so, or brings a submission set. */
function isProvide(resource: Resource | undefined): resource is Bundle {
  if (resource?.resourceType !== 'Bundle' || resource.type !== 'transaction') return false;
  const isNamed = (resource.meta?.profile ?? []).some((one) => /provide-?(document-?)?bundle/i.test(one));
  return isNamed || (resource.entry ?? []).some((one) => isSubmissionSet(one.resource));
}

/** ITI-65 */
async function provide(request: Request, response: Response, given: Bundle, context: Context): Promise<void> {
  const examined = await examineProvide(given, context.fhir, request.get('idempotency-key') !== undefined);
  if (examined.faults.some(isError)) return refuse(request, response, examined.faults);
  const count = given.entry?.length ?? 0;
  await applyWrite(request, response, transaction(examined.bundle), context, (from) => answered(from, count, examined));
}

/** ITI-105 */
async function publish(request: Request, response: Response, given: DocumentReference, context: Context) {
  const { faults, bundle } = await examineSimplified(given, context.fhir);
  if (faults.some(isError)) return refuse(request, response, faults);
  await applyWrite(request, response, transaction(bundle), context, async (from) => {
    const made = (from.body as Bundle | undefined)?.entry?.[0]?.response;
    if (from.status !== 200 || !made?.location) return from;
    const path = made.location.replace(/\/_history\/.*$/, '');
    const stored = await context.fhir.send({ method: 'GET', path });
    const headers = { location: made.location, ...(made.etag ? { etag: made.etag } : {}) };
    return { status: Number.parseInt(made.status, 10), headers, body: stored.body };
  });
}

function transaction(bundle: Bundle) {
  const bytes = Buffer.from(JSON.stringify(bundle));
  return { method: 'POST' as const, path: '', bytes, contentType: 'application/fhir+json' };
}

/** The answer to what was sent: entries the manager added are not answered, what it mended is said in its entry. */
function answered(from: FhirResponse, count: number, { faults }: Examined): FhirResponse {
  const bundle = from.body as Bundle | undefined;
  if (from.status !== 200 || bundle?.resourceType !== 'Bundle') return from;
  const entry = (bundle.entry ?? []).slice(0, count).map((one, index): BundleEntry => {
    const said = faults.filter((found) => found.place?.startsWith(`Bundle.entry[${index}].`));
    if (said.length === 0 || !one.response) return one;
    return { ...one, response: { ...one.response, outcome: operationOutcome(said) } };
  });
  return { ...from, body: { ...bundle, entry } };
}
