import type { Bundle, CapabilityStatement, Resource } from '@medplum/fhirtypes';
import type { Request, Response } from 'express';
import type { FhirResponse } from '../adapter.ts';
import { writeXml } from '../formats/fhir/index.ts';
import { asked } from './fhir-asked.ts';
import { FORM, ownOperations } from './own-operations.ts';

/** Headers of the FHIR server that its client may see. */
const PASSED = ['etag', 'last-modified', 'location', 'content-location', 'allow', 'retry-after', 'accept-patch'];

const BASE = '/fhir/R4';

/** Answers with what the FHIR server said: FHIR in JSON or XML as asked for, the exact bytes of a Binary as they are. */
export function answer(request: Request, response: Response, from: FhirResponse): void {
  response.status(from.status);
  for (const name of PASSED) {
    const value = from.headers[name];
    if (value) response.set(name, name.endsWith('location') ? absolute(request, value) : value);
  }
  if (from.body === undefined || from.body === null) response.end();
  else if (from.body instanceof Uint8Array) bytes(response, from.body, from.headers['content-type']);
  else fhir(request, response, presented(request, from.body as Resource));
}

function fhir(request: Request, response: Response, resource: Resource): void {
  const { xml, pretty } = asked(request);
  if (xml) response.type('application/fhir+xml').send(Buffer.from(writeXml(resource)));
  else {
    // As bytes with its type said whole: for a text express looks type and charset up each time.
    response.setHeader('Content-Type', 'application/fhir+json; charset=utf-8');
    response.send(Buffer.from(JSON.stringify(resource, null, pretty ? 2 : 0)));
  }
}

/** What a sender put into a document must not run in the reader's browser. */
function bytes(response: Response, content: Uint8Array, type = 'application/octet-stream'): void {
  // Not `set`, which would add a charset: the document says its own.
  response.setHeader('Content-Type', /^[\w.+-]+\/[\w.+-]+(;.*)?$/.test(type) ? type : 'application/octet-stream');
  response.set('Content-Disposition', 'attachment');
  response.send(Buffer.from(content.buffer, content.byteOffset, content.length));
}

function presented(request: Request, resource: Resource): Resource {
  // Those that others have stored here describe other systems.
  if (resource.resourceType === 'CapabilityStatement' && resource.kind === 'instance')
    return described(request, resource);
  return resource.resourceType === 'Bundle' ? addressed(request, visible(request, resource)) : resource;
}

/**
 * A search brings more along than the type the gate has seen (`_include`, `_revinclude`, `$everything`): what the caller
 * may not read is left out.
 */
function visible(request: Request, bundle: Bundle): Bundle {
  const { caller } = request;
  if (!caller || !bundle.entry) return bundle;
  // A batch answers each of its searches with a Bundle of its own.
  const inside = bundle.entry.map((one) =>
    one.resource?.resourceType === 'Bundle' ? { ...one, resource: visible(request, one.resource) } : one,
  );
  const found = bundle.type === 'searchset' || bundle.type === 'history';
  const entry = inside.filter(
    ({ resource, search }) => !found || !resource || search?.mode === 'outcome' || caller.sees(resource),
  );
  return { ...bundle, entry };
}

/** Links, full URLs and locations are those of this API, whatever server is behind it. */
function addressed(request: Request, bundle: Bundle): Bundle {
  const { link, entry } = bundle;
  const base = `${originOf(request)}${BASE}`;
  return {
    ...bundle,
    ...(link ? { link: link.map((one) => ({ ...one, url: below(base, one.url) })) } : {}),
    ...(entry?.length
      ? { entry: entry.map((one) => (one.fullUrl ? { ...one, fullUrl: below(base, one.fullUrl) } : one)) }
      : { entry: undefined }),
  };
}

/** Where this API is, and how it is secured, whatever the server behind says. */
function described(request: Request, statement: CapabilityStatement): CapabilityStatement {
  const origin = originOf(request);
  const oauth = {
    url: 'http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris',
    extension: [{ url: 'token', valueUri: `${origin}/oauth2/token` }],
  };
  const service = {
    coding: [{ system: 'http://terminology.hl7.org/CodeSystem/restful-security-service', code: 'SMART-on-FHIR' }],
  };
  return {
    ...statement,
    implementation: { description: 'Passerelle', ...statement.implementation, url: `${origin}${BASE}` },
    ...(statement.rest
      ? { rest: statement.rest.map((one) => offered({ ...one, security: { extension: [oauth], service: [service] } })) }
      : {}),
  };
}

const WITH_FORMS = new Set(
  'DetectedIssue Encounter EpisodeOfCare Organization QuestionnaireResponse ServiceRequest'.split(' '),
);

type Rest = NonNullable<CapabilityStatement['rest']>[number];

function offered(rest: Rest): Rest {
  // The gate refuses them: src/web/subscriptions.ts.
  const resource = rest.resource
    ?.filter(({ type }) => type !== 'Subscription')
    .map((one) => {
      const own = [
        ...ownOperations.filter(({ type }) => type === one.type).map(({ name, definition }) => ({ name, definition })),
        ...(WITH_FORMS.has(one.type ?? '') ? [FORM] : []),
      ];
      const others = (one.operation ?? []).filter(({ name }) => !own.some((mine) => mine.name === name));
      const operation = [...others, ...own];
      return own.length > 0 ? { ...one, operation } : one;
    });
  return resource ? { ...rest, resource } : rest;
}

const originOf = (request: Request) => `${request.protocol}://${request.get('host') ?? ''}`;

/** The FHIR server's addresses are relative to its base; a client needs them as they are reached here. */
export function absolute(request: Request, address: string): string {
  return below(`${originOf(request)}${BASE}`, address);
}

function below(base: string, address: string): string {
  if (/^[a-z][a-z\d+.-]*:/i.test(address) || address.startsWith('/')) return address;
  return address === '' || address.startsWith('?') ? `${base}${address}` : `${base}/${address}`;
}
