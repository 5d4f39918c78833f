import { mintToken } from '../../../src/access/index.ts';
import type { AccessRules } from '../../../src/access/porter-rules.ts';
import type { Config } from '../../../src/config.ts';
import { change } from './change.ts';
import type { Asker } from './model.ts';
import { diceOf } from './random.ts';
import { numberOf, recordsOf, type Sent } from './records.ts';
import { type Asked, ask } from './requests.ts';
import { type World, worldOf } from './world.ts';

/** The gateway that is asked. */
export interface Counterpart {
  url: string;
  config: Config;
  rules: AccessRules;
}

export interface Course {
  seed: number;
  requests: number;
}

/** How the requests of a course are put. */
export interface Conduct {
  /** Differences after which it ends. */
  most?: number;
  /** Worlds asked about side by side; what one patient's team sees depends on no other world. */
  lanes?: number;
  /** Hears how far it is, after each world. */
  progress?(line: string): void;
}

/** Requests put to one world; then the next world. */
const ofOneWorld = 250;

/** The worlds of a course, as they are before its first request. */
export function worldsOf({ seed, requests }: Course): World[] {
  return Array.from({ length: Math.ceil(requests / ofOneWorld) }, (_one, index) => worldOf(seed + index));
}

/**
 * Puts chance requests to the gateway and compares each answer with the model's. Between them the world changes: somebody leaves a
 * team, an agreement is taken back, a document is masked, and the next request must show it.
 * @returns how many were asked, and the differences: each names the seed of its world and all that is needed to ask again.
 */
export async function compare(gateway: Counterpart, course: Course, { most = 10, lanes = 1, progress }: Conduct = {}) {
  const differences: string[] = [];
  const kinds = new Map<string, number>();
  let asked = 0;
  const since = performance.now();
  const askOf = async (index: number, world: World) => {
    const dice = diceOf(course.seed + index + 7_777_777);
    const askers = await askersOf(gateway, world);
    const count = Math.min(ofOneWorld, course.requests - index * ofOneWorld);
    for (let number = 0; number < count && differences.length < most; number++, asked++) {
      if (dice.chance(4)) await change(dice, world, gateway, askers[0]!.token);
      const { asker, token } = dice.chance(5) ? askers[0]! : dice.pick(askers.slice(1));
      const request = ask(dice, world, asker);
      const wrong = await differenceOf(gateway, token, request);
      const kind = `${asker.kind} ${request.method} ${request.expected.status}`;
      kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
      if (!wrong) continue;
      const { method, path, body, expected } = request;
      differences.push(
        `seed ${course.seed + index}, request ${number}: ${JSON.stringify(asker)} ${method} ${path} ${JSON.stringify(body) ?? ''}\n  ${wrong}\n  expected ${JSON.stringify(expected)}`,
      );
    }
    const rate = ((asked / (performance.now() - since)) * 1000).toFixed(1);
    progress?.(`${asked} of ${course.requests} asked, ${differences.length} differences, ${rate}/s`);
  };
  const worlds = worldsOf(course).entries();
  const lane = async () => {
    for (const [index, world] of worlds) await askOf(index, world);
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  return { asked, differences, kinds };
}

/** The transactions that put the worlds of a course on a FHIR server, one after the other. */
export function* transactionsOf(course: Course, rules: AccessRules): Generator<object> {
  for (const world of worldsOf(course)) {
    for (const records of recordsOf(world, rules)) if (records.length > 0) yield inBundle(records);
  }
}

function inBundle(records: Sent[]): object {
  const entry = records.map((resource) => ({
    resource,
    request: { method: 'PUT', url: `${resource.resourceType}/${resource.id}` },
  }));
  return { resourceType: 'Bundle', type: 'transaction', entry };
}

/** What the gateway is started with: the tools among its clients, and as many requests as it can. */
export const environment = {
  PASSERELLE__limits__requestsPerMinute: '0',
  PASSERELLE__access__clients: JSON.stringify(
    ['covisan', 'covidom'].map((programme) => ({
      client_id: `tool-${programme}`,
      scopes: 'system/*.rs',
      programmes: [`http://passerelle.example/fhir/CodeSystem/covisan|${programme}`],
    })),
  ),
};

async function askersOf({ config }: Counterpart, world: World): Promise<{ asker: Asker; token: string }[]> {
  const { mark, people, patients } = world;
  const mint = async (asker: Asker, scope: string, more: object = {}) => {
    const token = (await mintToken(config, { clientId: 'software', scope, ...more })) as string;
    return { asker, token };
  };
  const askers = [
    await mint({ kind: 'machine' }, 'system/*.cruds', { clientId: 'machine' }),
    await mint({ kind: 'tool', programme: 'covisan' }, 'system/*.rs', { clientId: 'tool-covisan' }),
    await mint({ kind: 'tool', programme: 'covidom' }, 'system/*.rs', { clientId: 'tool-covidom' }),
  ];
  for (const [person] of people.entries()) {
    const practitioner = numberOf(world, person);
    askers.push(await mint({ kind: 'professional', person }, 'user/*.cruds', { practitioner }));
  }
  for (const [patient, { relatives }] of patients.entries()) {
    askers.push(await mint({ kind: 'patient', patient }, 'patient/*.rs', { patient: `${mark}-${patient}` }));
    for (const [index, { active, when, of }] of relatives.entries()) {
      const relative = active && (when === 'always' || when === 'now') && of === patient;
      const more = { patient: `${mark}-${patient}`, related: `${mark}-${patient}-relative${index}` };
      askers.push(await mint({ kind: 'representative', patient, relative }, 'user/*.rs', more));
    }
  }
  return askers;
}

/** What tells the answer from the expected one; undefined when nothing does. */
async function differenceOf(gateway: Counterpart, token: string, request: Asked): Promise<string | undefined> {
  const { expected } = request;
  const first = await send(gateway, token, request.method, request.path, request.body);
  if (first.status !== expected.status) return `status ${first.status} ${first.text.slice(0, 300)}`;
  if (first.status < 300) request.after?.(first.body?.id);
  if ('one' in expected && first.body?.resourceType) {
    const part = isPart(first.body);
    return part === (expected.one === 'part') ? undefined : `part: ${part}`;
  }
  if (!('found' in expected)) return undefined;
  if (expected.total) {
    const { total } = first.body;
    return total >= expected.least.length && total <= expected.found.length ? undefined : `total ${total}`;
  }
  const all = await pages(gateway, token, first.body);
  if (typeof all === 'string') return all;
  return differenceOfLists(all, first.body.total, request, expected);
}

interface Entry {
  resource: { resourceType: string; id: string };
  search?: { mode?: string };
}

function differenceOfLists(
  entries: Entry[],
  total: number | undefined,
  { only, within }: Asked,
  { found, least, parts, brought }: { found: string[]; least: string[]; parts: string[]; brought: string[] },
): string | undefined {
  // What the server says about the search is no finding.
  const name = ({ resource }: Entry) => `${resource.resourceType}/${resource.id}`;
  const wanted = entries.filter((one) => {
    const type = one.resource.resourceType;
    return (only ? only.includes(type) : type !== 'OperationOutcome') && (!within || within.has(name(one)));
  });
  const matches = wanted.filter((one) => one.search?.mode !== 'include').map(name);
  const included = [...new Set(wanted.filter((one) => one.search?.mode === 'include').map(name))];
  const sizes = matches.length !== new Set(matches).size && new Set(found).size === found.length;
  const beyond = matches.filter((one) => !found.includes(one));
  const missing = least.filter((one) => !matches.includes(one));
  const versions = found.length !== new Set(found).size && matches.length !== found.length;
  if (beyond.length + missing.length > 0 || sizes || versions) return `found ${matches.sort()}`;
  if (total !== undefined && !only && !within && total !== matches.length)
    return `total ${total} of ${matches.length} found`;
  const exact = found.length === least.length;
  const wrong = exact ? differ(included, brought) : included.some((one) => !brought.includes(one));
  if (wrong) return `brought along ${included.sort()}`;
  const partly = wanted.filter((one) => isPart(one.resource)).map(name);
  return partly.every((one) => parts.includes(one)) &&
    wanted.every((one) => !parts.includes(name(one)) || isPart(one.resource))
    ? undefined
    : `in part ${partly}`;
}

const differ = (left: string[], right: string[]) =>
  left.length !== right.length || left.some((one) => !right.includes(one));

const isPart = (resource: object) =>
  (resource as { meta?: { tag?: { code?: string }[] } }).meta?.tag?.some((one) => one.code === 'SUBSETTED') ?? false;

/** The entries of all pages; a text when one cannot be had. */
async function pages(gateway: Counterpart, token: string, first: any): Promise<Entry[] | string> {
  const entries: Entry[] = [];
  let body = first;
  for (let page = 0; page < 40; page++) {
    entries.push(...(body.entry ?? []));
    const next = body.link?.find((one: { relation: string }) => one.relation === 'next')?.url as string | undefined;
    if (!next) return entries;
    const answer = await send(gateway, token, 'GET', next.replace(/^.*?\/fhir\/R4\/?/, ''));
    if (answer.status !== 200) return `next page: status ${answer.status}`;
    body = answer.body;
  }
  return 'no end of pages';
}

export async function send(
  gateway: { url: string },
  token: string,
  method: string,
  path: string,
  body?: object | string,
) {
  const form = typeof body === 'string';
  const response = await fetch(`${gateway.url}/fhir/R4${path === '' || path.startsWith('?') ? '' : '/'}${path}`, {
    method,
    headers: {
      authorization: `Bearer ${token}`,
      ...(body === undefined
        ? {}
        : { 'content-type': form ? 'application/x-www-form-urlencoded' : 'application/fhir+json' }),
    },
    ...(body === undefined ? {} : { body: form ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, text, body: text.startsWith('{') ? JSON.parse(text) : undefined };
}

/** A course chosen by chance, or as the environment says (`ACCESS_SEED`, `ACCESS_REQUESTS`). */
export function courseOf(requests: number): Course {
  const { ACCESS_SEED: seed, ACCESS_REQUESTS: count } = process.env;
  return { seed: Number(seed ?? Math.floor(Math.random() * 1e6)), requests: Number(count ?? requests) };
}
