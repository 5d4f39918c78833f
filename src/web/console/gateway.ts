import { language } from './words.ts';

/** What the gateway refused to a page: `unreachable`, `tokenRefused`, `noScope`, or its own sentence. */
export class Refusal extends Error {}

/** A row of the journal as `GET /messages` answers it; times are ISO instants. */
export interface MessageView {
  id: string;
  state: string;
  kind: string;
  door: string;
  sender: string;
  size: number;
  receivedAt: string;
  settledAt?: string;
  attempts: number;
  nextAttemptAt?: string;
  references: string[];
  issues: { severity: string; expression?: string[]; details?: { text?: string } }[];
  deliveries: {
    id: string;
    destination: string;
    kind: string;
    state: string;
    attempts: number;
    nextAttemptAt?: string;
    receipts: { kind: string }[];
    issues: MessageView['issues'];
  }[];
}

/** Where one element came from, as `GET /explain` answers it. */
export interface ElementOrigin {
  path: string;
  place: string;
  map: string;
  rule: string;
  version: string;
  sentence: { fr: string; en: string };
}

/** A code no table knows, as `GET /unmapped` answers it. */
export interface UnmappedCode {
  sender: string;
  system?: string;
  code: string;
  /** Name of the table that was asked. */
  table?: string;
  place?: string;
  count: number;
  lastMessageId: string;
}

const shelf = 'passerelle-token';

/** The token lives as long as the tab; a link may bring it behind `#token=`, where no server sees it. */
export function token(): string | null {
  const brought = /[#&]token=([A-Za-z0-9._~-]+)/.exec(location.hash);
  if (brought) {
    sessionStorage.setItem(shelf, brought[1] as string);
    history.replaceState(null, '', location.hash.replace(brought[0], '') || '#/flow');
  }
  return sessionStorage.getItem(shelf);
}

/** Keeps the token for this tab; another tab has none. */
export function keepToken(text: string): void {
  sessionStorage.setItem(shelf, text);
}

/** Forgets the token of this tab. */
export function forgetToken(): void {
  sessionStorage.removeItem(shelf);
}

/** Asks the gateway for JSON; throws {@link Refusal}. */
export async function ask<T>(path: string, method: 'GET' | 'POST' = 'GET'): Promise<T> {
  const headers: Record<string, string> = { accept: 'application/json', 'accept-language': language() };
  const held = token();
  if (held) headers.authorization = `Bearer ${held}`;
  const answer = await fetch(path, { method, headers }).catch(() => {
    throw new Refusal('unreachable');
  });
  if (answer.ok) return (await answer.json()) as T;
  if (answer.status === 401) throw new Refusal('tokenRefused');
  if (answer.status === 403) throw new Refusal('noScope');
  const outcome = (await answer.json().catch(() => ({}))) as { issue?: { details?: { text?: string } }[] };
  throw new Refusal(outcome.issue?.[0]?.details?.text ?? String(answer.status));
}

/** All matches of a FHIR search, at most `pages` pages; included resources are among them. */
export async function search<R>(query: string, pages = 5): Promise<R[]> {
  const found: R[] = [];
  let next: string | undefined = `/fhir/R4/${query}`;
  for (let page = 0; next && page < pages; page++) {
    const bundle: { entry?: { resource: R }[]; link?: { relation: string; url: string }[] } = await ask(next);
    for (const { resource } of bundle.entry ?? []) found.push(resource);
    const link = bundle.link?.find((one) => one.relation === 'next')?.url;
    // Only path and query: the token goes to the gateway and to nobody its answer names.
    next = link && `${next.split('?')[0]}${new URL(link, location.origin).search}`;
  }
  return found;
}

/** The figures of `/metrics`, by name; labels as a record. */
export async function figures(): Promise<Map<string, { labels: Record<string, string>; value: number }[]>> {
  const answer = await fetch('/metrics').catch(() => {
    throw new Refusal('unreachable');
  });
  const all = new Map<string, { labels: Record<string, string>; value: number }[]>();
  for (const line of (await answer.text()).split('\n')) {
    const match = /^(passerelle_\w+)(?:\{(.*)\})? (\S+)$/.exec(line);
    if (!match) continue;
    const [, name = '', inside = '', value] = match;
    const labels = Object.fromEntries(
      [...inside.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map((one) => [one[1], one[2]]),
    );
    all.set(name, [...(all.get(name) ?? []), { labels, value: Number(value) }]);
  }
  return all;
}

/** `ready`, `starting`, `draining` or `not-durable`. */
export async function readiness(): Promise<string> {
  const answer = await fetch('/ready').catch(() => {
    throw new Refusal('unreachable');
  });
  return ((await answer.json()) as { state: string }).state;
}
