import type { Fault } from './faulty-line.ts';
import type { GatewayProcess } from './process.ts';
import type { Stage } from './stage.ts';

/** A number from 0 to 1 that the seed decides. */
export type Random = () => number;

/** Something that goes wrong and ends. Two of one area never happen at the same time. */
export interface Trouble {
  name: string;
  area: 'gateway' | 'server' | 'line' | 'intake' | 'disk' | 'clock' | 'database';
  happen(): Promise<void>;
}

const HOUR = 3_600_000;

/** All that can happen on a stage. */
export function troublesOf(stage: Stage, random: Random): Trouble[] {
  const { server, line, intake, gateways, database } = stage;
  const some = <T>(list: T[]): T => list[Math.floor(random() * list.length)]!;
  const between = (least: number, most: number) => least + random() * (most - least);
  const answered = (status: 409 | 412 | 429 | 500 | 503): Trouble => ({
    name: `FHIR server answers ${status}`,
    area: 'line',
    happen: () => during(line, { status }, between(200, 900)),
  });
  const onLine = (name: string, mode: Fault, most = 900): Trouble => ({
    name,
    area: 'line',
    happen: () => during(line, mode, between(200, most)),
  });
  const onIntake = (name: string, mode: Fault): Trouble => ({
    name,
    area: 'intake',
    happen: () => during(some(intake), mode, between(100, 700)),
  });
  const stopped = async (one: GatewayProcess, most: number) => {
    one.signal('SIGSTOP');
    await pause(between(300, most));
    one.signal('SIGCONT');
  };
  const troubles: Trouble[] = [
    { name: 'gateway killed', area: 'gateway', happen: () => restart(some(gateways), between(0, 300)) },
    {
      name: 'gateway killed again while it recovers',
      area: 'gateway',
      async happen() {
        const one = some(gateways);
        for (let times = 1 + Math.floor(random() * 2); times > 0; times--) {
          await one.kill();
          one.launch();
          await pause(between(200, 2000));
        }
        await restart(one, 0);
      },
    },
    { name: 'gateway stopped for a while', area: 'gateway', happen: () => stopped(some(gateways), 2500) },
    { name: 'FHIR server killed', area: 'server', happen: () => restart(server, between(0, 300)) },
    { name: 'FHIR server stopped for a while', area: 'server', happen: () => stopped(server, 3000) },
    onLine('connections reset', 'reset'),
    onLine('answers lost after the work', 'swallow'),
    onLine('answers later than the gateway waits', 'late', 3000),
    onLine('answers cut short', 'cut'),
    onLine('answers overwritten', 'garbage'),
    answered(409),
    answered(412),
    answered(429),
    answered(500),
    answered(503),
    onIntake('hospital’s connections reset', 'reset'),
    onIntake('acknowledgements lost', 'swallow'),
    onIntake('messages overwritten', 'mangle'),
    { name: 'clock set by an hour', area: 'clock', happen: async () => some(gateways).signal('SIGUSR2') },
    {
      name: 'clock an hour off at the next start',
      area: 'gateway',
      async happen() {
        const one = some(gateways);
        one.skewMs = some([-HOUR, 0, HOUR]);
        await restart(one, 0);
      },
    },
  ];
  const disks = gateways.filter(({ disk }) => disk.unavailable === undefined);
  if (disks.length > 0) troubles.push({ name: 'disk full', area: 'disk', happen: () => full(some(disks), between) });
  if (database) troubles.push({ name: 'database killed', area: 'database', happen: () => gone(between(0, 800)) });
  return troubles;

  async function gone(ms: number): Promise<void> {
    await database!.stop('SIGKILL');
    await pause(ms);
    await database!.start();
  }
}

/** One to three troubles one after the other, sometimes two at once; answers what happened. */
export async function cause(troubles: Trouble[], random: Random): Promise<string[]> {
  const told: string[] = [];
  const pick = (from: Trouble[]) => from[Math.floor(random() * from.length)]!;
  for (let count = 1 + Math.floor(random() * 3); count > 0; count--) {
    await pause(50 + random() * 250);
    const first = pick(troubles);
    const both = random() < 0.3 ? [first, pick(troubles.filter(({ area }) => area !== first.area))] : [first];
    told.push(both.map((one) => one.name).join(' + '));
    await Promise.all(both.map((one) => one.happen()));
  }
  return told;
}

async function during(line: { mode: Fault }, mode: Fault, ms: number): Promise<void> {
  line.mode = mode;
  await pause(ms);
  line.mode = 'pass';
}

async function full(one: GatewayProcess, between: (least: number, most: number) => number): Promise<void> {
  one.disk.fill(between(0, 300_000), one.pid);
  await pause(between(300, 1500));
  one.disk.free(one.pid);
}

async function restart(one: GatewayProcess, ms: number): Promise<void> {
  await one.kill();
  await pause(ms);
  await one.start();
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
