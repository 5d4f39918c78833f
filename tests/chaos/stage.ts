import type { Server } from '../journal/postgres-server.ts';
import { postgresServer } from '../journal/postgres-server.ts';
import type { Found } from './compare.ts';
import { FaultyLine } from './faulty-line.ts';
import { freePorts, GatewayProcess } from './process.ts';
import type { Way } from './sender.ts';

export type JournalKind = 'sqlite' | 'postgres';

/** Everything that takes part: one or two gateways on one journal, the FHIR server, the lines between them. */
export interface Stage {
  gateways: GatewayProcess[];
  server: GatewayProcess;
  /** Between the gateways and the FHIR server. */
  line: FaultyLine;
  /** Between the hospital and each gateway. */
  intake: FaultyLine[];
  database?: Server;
  ways: Way[];
  /** Nothing waits any more; otherwise what does. */
  drained(seconds: number): Promise<string[]>;
  search(query: string): Promise<Found[]>;
  close(): Promise<void>;
}

const GATEWAYS: Record<JournalKind, number> = { sqlite: 1, postgres: 2 };

/** Undefined when there is no PostgreSQL to be had. */
export async function setUp(kind: JournalKind): Promise<Stage | undefined> {
  const database = kind === 'postgres' ? await postgresServer() : undefined;
  if (kind === 'postgres' && !database) return undefined;
  const [http, mllp, through] = (await freePorts(3)) as [number, number, number];
  const server = new GatewayProcess([http, mllp]);
  await server.start();
  const token = server.token();
  const line = new FaultyLine(http);
  await line.listen(through);
  const settings = {
    fhir: {
      server: `http://127.0.0.1:${through}/fhir/R4`,
      headers: { Authorization: `Bearer ${token}` },
      timeoutSeconds: 2,
    },
    retry: { firstSeconds: 0.05, maxSeconds: 0.5 },
    journal: database?.url ?? 'sqlite',
  };
  const gateways: GatewayProcess[] = [];
  const intake: FaultyLine[] = [];
  const ways: Way[] = [];
  for (let at = 0; at < GATEWAYS[kind]; at++) {
    const [own, direct, lined] = (await freePorts(3)) as [number, number, number];
    const gateway = new GatewayProcess([own, direct], settings);
    await gateway.start();
    const front = new FaultyLine(direct);
    await front.listen(lined);
    gateways.push(gateway);
    intake.push(front);
    ways.push({ mllp: lined, url: gateway.url, token: gateway.token() });
  }
  const search = searchOf(server.url, token);
  return {
    gateways,
    server,
    line,
    intake,
    database,
    ways,
    search,
    drained: (seconds) => drained(ways[0]!, seconds),
    async close() {
      for (const one of [...gateways, server]) await one.kill();
      for (const one of [line, ...intake]) await one.close();
      for (const one of [...gateways, server]) one.remove();
      await database?.dispose();
    },
  };
}

function searchOf(url: string, token: string): Stage['search'] {
  return async (query) => {
    const [path, parameters = ''] = query.split('?');
    const values = parameters.replace(/=([^&]*)/g, (_, value: string) => `=${encodeURIComponent(value)}`);
    const answer = await fetch(`${url}/fhir/R4/${path}?${values}`, { headers: { authorization: `Bearer ${token}` } });
    const { entry = [] } = (await answer.json()) as { entry?: { resource: Found; search?: { mode: string } }[] };
    return entry.filter((one) => one.search?.mode !== 'outcome').map((one) => one.resource);
  };
}

async function drained({ url, token }: Way, seconds: number): Promise<string[]> {
  const headers = { authorization: `Bearer ${token}` };
  const of = async (state: string) => {
    const answer = await fetch(`${url}/messages?state=${state}`, { headers });
    return ((await answer.json()) as { messages?: object[] }).messages;
  };
  const end = Date.now() + seconds * 1000;
  for (;;) {
    const waiting = await of('accepted').catch(() => undefined);
    if (waiting?.length === 0) break;
    if (Date.now() > end) return [`not drained after ${seconds} s: ${JSON.stringify(waiting)?.slice(0, 1500)}`];
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const dead = await of('dead');
  return dead?.length === 0 ? [] : [`dead: ${JSON.stringify(dead)?.slice(0, 1500)}`];
}
