// SMART App Launch 2.2, standalone launch: https://hl7.org/fhir/smart-app-launch/app-launch.html
import { randomBytes } from 'node:crypto';
import type { Bundle, Patient } from '@medplum/fhirtypes';
import type { Request, Response, Router } from 'express';
import { fhirBase } from '../access/demands.ts';
import type { Access } from '../access/index.ts';
import { scopeForPerson } from '../access/persons.ts';
import { guarded } from '../access/porter-reads.ts';
import type { Journey, Person } from '../access/provider.ts';
import { parseScopes } from '../access/scopes.ts';
import type { FhirEndpoint } from '../adapter.ts';
import type { ClientEntry, Config } from '../config/shape.ts';
import { type Choice, choicePage, failurePage } from './authorize-page.ts';
import { rawBody } from './body.ts';
import { baseUrl, formOf } from './oauth-request.ts';

/** A login under way: from the program's request to the code it gets. */
interface Pending {
  client: ClientEntry;
  redirectUri: string;
  scope: string;
  state?: string;
  nonce?: string;
  challenge: string;
  journey: Journey;
  person?: Person;
  until: number;
}

const COOKIE = 'passerelle-login';
const loginMs = 600_000;
const mostPending = 10_000;
const codeSeconds = 60;
const mostChoices = 50;

/** `/oauth2/authorize`, `/oauth2/callback` and `/oauth2/patient`: a professional logs in and lets a program in. */
export function authorizeRoutes(router: Router, config: Config, access: Access, fhir: FhirEndpoint): void {
  const { persons } = access;
  if (!persons) return;
  const pending = new Map<string, Pending>();
  const parts: Parts = { config, access, fhir, persons, pending };

  router.get('/oauth2/authorize', (request, response) => authorize(parts, request, response));
  router.get('/oauth2/callback', (request, response) => callback(parts, request, response));
  router.post(
    '/oauth2/patient',
    rawBody(() => config.limits.formBytes),
    (request, response) => choose(parts, request, response),
  );
}

interface Parts {
  config: Config;
  access: Access;
  fhir: FhirEndpoint;
  persons: NonNullable<Access['persons']>;
  pending: Map<string, Pending>;
}

async function authorize({ config, persons, pending }: Parts, request: Request, response: Response): Promise<void> {
  const asked = new URLSearchParams(request.url.split('?')[1] ?? '');
  const client = config.access.clients.find((one) => one.client_id === asked.get('client_id'));
  const redirectUri = asked.get('redirect_uri') ?? '';
  // Whoever cannot be told apart from a thief's program is not sent anywhere.
  if (!client?.redirect_uris?.includes(redirectUri)) {
    return failed(
      response,
      'Ce programme ou son adresse de retour (redirect_uri) n’est pas enregistré dans access.clients.',
    );
  }
  const back = { redirectUri, state: asked.get('state') ?? undefined };
  const refuse = (error: string, text: string) =>
    sendBack(response, config, request, back, { error, error_description: text });
  if (asked.get('response_type') !== 'code') return refuse('unsupported_response_type', 'response_type must be code');
  const challenge = asked.get('code_challenge') ?? '';
  if (asked.get('code_challenge_method') !== 'S256' || !/^[A-Za-z0-9_-]{43}$/.test(challenge)) {
    return refuse('invalid_request', 'PKCE is needed: code_challenge with code_challenge_method=S256');
  }
  const audience = (asked.get('aud') ?? '').replace(/\/$/, '');
  if (audience !== `${baseUrl(config, request)}${fhirBase}`)
    return refuse('invalid_request', 'aud must be the URL of the FHIR API');
  const scope = scopeForPerson(client, asked.get('scope') ?? '');
  if (!scope) return refuse('invalid_scope', 'none of these scopes is open to this client');
  try {
    const { to, journey } = await persons.provider.leave(callbackUrl(config, request));
    const id = randomBytes(32).toString('base64url');
    const login: Pending = {
      client,
      ...back,
      scope,
      nonce: asked.get('nonce') ?? undefined,
      challenge,
      journey,
      until: Date.now() + loginMs,
    };
    remember(pending, id, login);
    const secure = baseUrl(config, request).startsWith('https:');
    response.cookie(COOKIE, id, { httpOnly: true, sameSite: 'lax', secure, path: '/oauth2', maxAge: loginMs });
    response.redirect(302, to.href);
  } catch {
    refuse('temporarily_unavailable', 'the provider of identities cannot be reached');
  }
}

async function callback(parts: Parts, request: Request, response: Response): Promise<void> {
  const { config, persons, pending } = parts;
  const [id, login] = loginOf(pending, request);
  if (!login || login.person)
    return failed(response, 'Cette connexion a expiré ou n’a pas commencé dans ce navigateur. Recommencez.');
  const current = new URL(`${callbackUrl(config, request)}?${request.url.split('?')[1] ?? ''}`);
  let person: Person | undefined;
  try {
    person = await persons.provider.arrive(current, login.journey);
  } catch {
    // Refused by the person or the provider, or not the answer to our question.
  }
  if (!person) {
    pending.delete(id);
    return sendBack(response, config, request, login, {
      error: 'access_denied',
      error_description: 'no professional with an RPPS number logged in',
    });
  }
  login.person = person;
  // Who fixed the cookie before the login must not have it afterwards.
  pending.delete(id);
  if (!login.scope.split(' ').includes('launch/patient')) return finish(parts, request, response, login);
  const renewed = randomBytes(32).toString('base64url');
  remember(pending, renewed, login);
  const secure = baseUrl(config, request).startsWith('https:');
  response.cookie(COOKIE, renewed, { httpOnly: true, sameSite: 'lax', secure, path: '/oauth2', maxAge: loginMs });
  await showChoice(parts, response, login, false);
}

async function choose(parts: Parts, request: Request, response: Response): Promise<void> {
  const { config, pending, fhir, access } = parts;
  const [id, login] = loginOf(pending, request);
  if (!login?.person) return failed(response, 'Cette connexion a expiré. Recommencez depuis votre logiciel.');
  const form = formOf(request) ?? new URLSearchParams();
  if (form.get('cancel')) {
    pending.delete(id);
    return sendBack(response, config, request, login, { error: 'access_denied', error_description: 'cancelled' });
  }
  const seen = guarded(access.rules, callerOf(login), fhir);
  const ins = (form.get('ins') ?? '').replace(/\s/g, '').toUpperCase();
  const query = form.get('patient')
    ? `_id=${encodeURIComponent(form.get('patient') as string)}`
    : `identifier=${encodeURIComponent(ins)}`;
  const { status, body } = await seen.send({ method: 'GET', path: `Patient?${query}` });
  const found = status === 200 ? ((body as Bundle<Patient>).entry ?? []) : [];
  const patient = found.length === 1 ? found[0]?.resource?.id : undefined;
  if (!patient) return showChoice(parts, response, login, true);
  pending.delete(id);
  finish(parts, request, response, login, patient);
}

/** The patients in the professional's circle, as the porter shows them. */
async function showChoice({ access, fhir }: Parts, response: Response, login: Pending, wrong: boolean): Promise<void> {
  const seen = guarded(access.rules, callerOf(login), fhir);
  const { status, body } = await seen.send({ method: 'GET', path: `Patient?_count=${mostChoices}` });
  const found = status === 200 ? ((body as Bundle<Patient>).entry ?? []) : [];
  const choices: Choice[] = found.flatMap(({ resource }) =>
    resource?.id ? [{ id: resource.id, text: textOf(resource) }] : [],
  );
  const { origin } = new URL(login.redirectUri);
  // Chromium holds the answer of a form to this policy too, and the answer leads to the program.
  const policy = `default-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action 'self' ${origin}`;
  response.set({ 'Content-Security-Policy': policy, 'Content-Type': 'text/html; charset=utf-8' });
  response
    .status(wrong ? 404 : 200)
    .send(choicePage(login.person?.name, login.client.name ?? login.client.client_id, choices, wrong));
}

function textOf({ name, birthDate }: Patient): string {
  const [first] = name ?? [];
  return [first?.family, first?.given?.join(' '), birthDate].filter(Boolean).join(' ') || 'Patient';
}

function finish(
  { config, access, persons }: Parts,
  request: Request,
  response: Response,
  login: Pending,
  patient?: string,
): void {
  const { client, scope, redirectUri, challenge, nonce, person } = login;
  const practitioner = person?.practitioner as string;
  const granted = { clientId: client.client_id, scope, practitioner, patient, nonce, redirectUri, challenge };
  const code = persons.logins.issue('code', granted, codeSeconds);
  access.noteLogin({ clientId: client.client_id, practitioner, address: request.socket.remoteAddress });
  response.clearCookie(COOKIE, { path: '/oauth2' });
  sendBack(response, config, request, login, { code });
}

function callerOf({ client, person, scope }: Pending) {
  const practitioner = person?.practitioner as string;
  const until = Number.MAX_SAFE_INTEGER;
  return {
    clientId: client.client_id,
    subject: practitioner,
    issuer: '',
    scopes: parseScopes(scope),
    practitioner,
    expiresAt: until,
    sees: () => true,
  };
}

/** Back to the program, RFC 6749 section 4.1.2 and RFC 9207. */
function sendBack(
  response: Response,
  config: Config,
  request: Request,
  { redirectUri, state }: Pick<Pending, 'redirectUri' | 'state'>,
  answer: Record<string, string>,
): void {
  const to = new URL(redirectUri);
  for (const [name, value] of Object.entries(answer)) to.searchParams.set(name, value);
  if (state !== undefined) to.searchParams.set('state', state);
  to.searchParams.set('iss', config.access.issuer.url ?? baseUrl(config, request));
  response.redirect(302, to.href);
}

function loginOf(pending: Map<string, Pending>, request: Request): [string, Pending | undefined] {
  const id = /(?:^|;\s*)passerelle-login=([A-Za-z0-9_-]{43})(?:;|$)/.exec(request.get('cookie') ?? '')?.[1] ?? '';
  const login = pending.get(id);
  return [id, login && login.until > Date.now() ? login : undefined];
}

function remember(pending: Map<string, Pending>, id: string, login: Pending): void {
  if (pending.size >= mostPending) pending.delete(pending.keys().next().value as string);
  pending.set(id, login);
}

function callbackUrl(config: Config, request: Request): string {
  return `${baseUrl(config, request)}/oauth2/callback`;
}

function failed(response: Response, text: string): void {
  response.status(400).set('Content-Type', 'text/html; charset=utf-8').send(failurePage(text));
}
