import { randomUUID } from 'node:crypto';
import express, { type ErrorRequestHandler, type Express, type RequestHandler, Router } from 'express';
import type { Logger } from 'pino';
import { fhirBase } from '../access/demands.ts';
import type { Access } from '../access/index.ts';
import { refuse } from '../adapter/answer.ts';
import type { Door, FhirEndpoint } from '../adapter.ts';
import type { Config } from '../config/shape.ts';
import { fault, PasserelleError } from '../errors.ts';
import type { Journal } from '../journal/journal.ts';
import { audited, auditRoutes } from './audit.ts';
import { authorizeRoutes } from './authorize.ts';
import { rawBody } from './body.ts';
import { breakGlassRoutes, type Writing } from './break-glass.ts';
import { consoleRoutes, type PageRules } from './console.ts';
import { crossOrigin } from './cors.ts';
import { type Explain, explainRoutes } from './explain.ts';
import { type ExtractAnswers, extractRoutes } from './extract.ts';
import { formRoutes, type WriteForm } from './forms.ts';
import { gate } from './gate.ts';
import { bodyGate } from './gate-body.ts';
import { probeBySearch } from './gate-probe.ts';
import { protectiveHeaders } from './headers.ts';
import { messageRoutes } from './messages.ts';
import type { Metrics } from './metrics.ts';
import { oauthRoutes } from './oauth.ts';
import { asSeen, porterGate } from './porter.ts';
import { rateLimit } from './rate.ts';
import { sheetRoutes, type TakeSheet } from './sheets.ts';
import { withoutSubscriptions } from './subscriptions.ts';
import { terminologyRoutes, type Words } from './terminology.ts';

/** Whether messages can be taken just now; anything but `ready` makes `/ready` answer 503. */
export type Readiness = 'ready' | 'starting' | 'draining' | 'not-durable';

/** What the application over HTTP is put together from; `src/gateway.ts` makes the parts. */
export interface AppParts {
  config: Config;
  log: Logger;
  access: Access;
  journal: Pick<Journal, 'get' | 'list' | 'unmapped' | 'replay'>;
  explain: Explain;
  metrics: Metrics;
  /** Asked for reads and writes under scopes that reach only some resources of a type. */
  fhir: FhirEndpoint;
  readiness(): Readiness;
  /** Writes partners' forms; without it none are offered. */
  writeForm?: WriteForm;
  /** Extracts resources from answers; without it `$extract` is not offered. */
  extract?: ExtractAnswers;
  /** Takes spreadsheets row by row; without it they are not taken. */
  takeSheet?: TakeSheet;
  /** Terminology as it is now, maps may be loaded anew. */
  words?(): Words;
  /** What the pages for people are drawn by. */
  pageRules(): PageRules;
  /** How emergency access is written down; without it there is none. */
  writing?: Writing;
  /** Their `http` is called once, in this order. */
  doors: Door[];
}

/**
 * The express app. In order: protective headers, open paths, gate (token and scopes), body as exact bytes, gate for what
 * the body says, doors. A door finds `request.caller`, and in `request.body` a Buffer. Whatever goes wrong is answered by
 * an OperationOutcome.
 */
export function createApp(parts: AppParts): Express {
  const { config, access, metrics, fhir, readiness } = parts;
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.enable('case sensitive routing');
  app.set('query parser', 'simple');

  app.use(protectiveHeaders(config.http.tls !== undefined));
  app.use(crossOrigin(config));
  app.use(timed(metrics));
  app.use(audited(access.audit));
  openRoutes(app, parts);
  const pages = Router({ caseSensitive: true, strict: true });
  consoleRoutes(pages, parts.pageRules);
  app.use(besidesResources(pages));
  const oauth = Router();
  oauthRoutes(oauth, config, access, fhir);
  authorizeRoutes(oauth, config, access, fhir);
  app.use(besidesResources(oauth));

  const probe = probeBySearch(fhir);
  app.use(gate(asSeen(access, fhir), probe));
  app.use(rateLimit(config.limits.requestsPerMinute));
  app.use(refuseWritesUnless(readiness));
  const { messageBytes, formBytes } = config.limits;
  app.use(rawBody(({ path }) => (path.endsWith('/_search') ? formBytes : messageBytes)));
  app.use(bodyGate(probe));
  app.use(withoutSubscriptions());
  app.use(porterGate(access, fhir));

  const trail = Router({ caseSensitive: true });
  auditRoutes(trail, access);
  if (parts.writeForm) formRoutes(trail, fhir, parts.writeForm);
  if (parts.extract) extractRoutes(trail, fhir, parts.extract);
  if (parts.words) terminologyRoutes(trail, parts.words);
  if (parts.writing) breakGlassRoutes(trail, access, fhir, parts.writing);
  app.use(besidesResources(trail));
  const window = Router({ caseSensitive: true });
  if (parts.takeSheet) sheetRoutes(window, parts.takeSheet);
  messageRoutes(window, parts.journal);
  explainRoutes(window, parts.explain);
  app.use(besidesResources(window));
  for (const door of parts.doors) {
    if (!door.http) continue;
    const router = Router({ caseSensitive: true });
    door.http(router);
    app.use(router);
  }
  app.use((request, response) => refuse(request, response, [fault('path-unknown')]));
  app.use(onError(parts.log));
  return app;
}

/** `/fhir/R4/` and steps none of which is an operation; `AuditEvent` and discovery are answered here, not by a door. */
const ofResources = new RegExp(`^${fhirBase}/(?!AuditEvent|\\.well-known)[^$?]*(\\?|$)`);

/** Reads, searches and writes go by: matching the forty paths of these routers costs a tenth of answering one. */
function besidesResources(router: Router): RequestHandler {
  return (request, response, next) => (ofResources.test(request.url) ? next() : router(request, response, next));
}

function openRoutes(app: Express, { metrics, readiness }: AppParts): void {
  app.get('/health', (_request, response) => {
    response.json({ state: 'alive' });
  });
  app.get('/ready', (_request, response) => {
    const state = readiness();
    response.status(state === 'ready' ? 200 : 503).json({ state });
  });
  app.get('/metrics', async (_request, response) => {
    response.setHeader('Content-Type', metrics.contentType);
    response.send(await metrics.text());
  });
}

/** While starting or stopping nothing new is taken; what is there may still be read. */
function refuseWritesUnless(readiness: () => Readiness): RequestHandler {
  return (request, response, next) => {
    const state = readiness();
    const reads = ['GET', 'HEAD', 'OPTIONS'].includes(request.method) || request.path.endsWith('/_search');
    if (reads || state === 'ready') return next();
    refuse(request, response, [fault(state === 'not-durable' ? 'not-durable' : 'draining')]);
  };
}

const areas = ['in', 'messages', 'unmapped', 'explain', 'console', 'oauth2', 'health', 'ready', 'metrics'];

function timed(metrics: Metrics): RequestHandler {
  return (request, response, next) => {
    const since = performance.now();
    const { method, path } = request;
    const first = path.split('/', 2)[1] ?? '';
    const area = path.startsWith(fhirBase) ? 'fhir' : areas.includes(first) ? first : 'other';
    const known = /^(GET|HEAD|POST|PUT|PATCH|DELETE)$/.test(method) ? method : 'other';
    response.once('finish', () =>
      metrics.request(known, area, response.statusCode, (performance.now() - since) / 1000),
    );
    next();
  };
}

/** Never a stack, never what a library says: the caller gets a code of the register, the log a reference. */
function onError(log: Logger): ErrorRequestHandler {
  return (error, request, response, next) => {
    if (response.headersSent) return next(error);
    if (error instanceof PasserelleError) return refuse(request, response, error.faults);
    const status = Number((error as { status?: unknown } | null)?.status);
    if (status >= 400 && status < 500) return refuse(request, response, [fault('request-malformed')]);
    const reference = randomUUID();
    log.error({ err: error, reference }, 'request failed');
    refuse(request, response, [fault('internal', { params: { reference } })]);
  };
}
