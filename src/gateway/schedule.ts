import cron, { type ScheduledTask } from 'node-cron';
import type { Logger } from 'pino';
import type { Config } from '../config.ts';
import type { NamedDoor } from '../doors.ts';
import type { Journal } from '../journal/journal.ts';
import type { MessageState } from '../message.ts';
import { round } from '../pathway/index.ts';
import type { House } from '../pipeline/house.ts';
import { writeNow } from '../pipeline/write-now.ts';
import { seedUuid } from '../seed.ts';

interface Line {
  name: string;
  expression: string;
  work(at: Date): Promise<void>;
}

/**
 * The gateway's clockwork: purge by the retention policy, the nurse's round over deadlines, doors that look outside. Each
 * line runs once for each moment, however many processes share the journal, and never twice at a time.
 */
export function schedule(
  config: Config,
  journal: Journal,
  house: House,
  doors: NamedDoor[],
  log: Logger,
): { stop(): void } {
  const lines: Line[] = [
    { name: 'purge', expression: config.schedule.purge, work: () => purge(journal, config, house) },
    { name: 'deadlines', expression: config.schedule.deadlines, work: (at) => nurseRound(house, at) },
    ...doors.flatMap(({ name, poll, door }) =>
      poll && door.poll ? [{ name: `poll-${name}`, expression: poll, work: () => door.poll!() }] : [],
    ),
  ];
  const tasks = lines.map((line) => start(line, config.timezone, journal, log));
  return {
    stop: () => {
      for (const task of tasks) void task.stop();
    },
  };
}

function start(line: Line, timezone: string, journal: Journal, log: Logger): ScheduledTask {
  const run = async ({ date }: { date: Date }) => {
    try {
      if (await journal.once(line.name, date.toISOString().slice(0, 19))) await line.work(date);
    } catch (error) {
      log.error({ err: error, schedule: line.name }, 'scheduled work failed');
    }
  };
  const task = cron.schedule(line.expression, run, { timezone, noOverlap: true, name: line.name });
  // Told in the log's own form; the next moment finds what this one would have.
  task.on('execution:missed', () => log.warn({ schedule: line.name }, 'scheduled work missed'));
  task.on('execution:overlap', () => log.warn({ schedule: line.name }, 'scheduled work still runs'));
  return task;
}

const DAY = 86_400_000;

async function purge(journal: Journal, { retention }: Config, house: House): Promise<void> {
  const now = house.now().getTime();
  const policy: [days: number, states: MessageState[]][] = [
    [retention.deliveredDays, ['delivered']],
    [retention.refusedDays, ['refused']],
    [retention.deadDays, ['dead', 'quarantined']],
  ];
  let count = 0;
  // 0 days means for ever.
  for (const [days, states] of policy) if (days > 0) count += await journal.purge(now - days * DAY, states);
  house.log.info({ count }, 'purged');
}

/** Late calls, silent patients, alerts nobody took: what time alone has brought about is written down as tasks. */
async function nurseRound(house: House, at: Date): Promise<void> {
  const found = await round(house.fhir, house.pathway.rules, at);
  for (const { patient, drafts } of found) {
    const id = seedUuid('round', patient, at.toISOString());
    await writeNow(drafts, { id, sender: 'passerelle', receivedAt: at.getTime() }, house);
  }
  if (found.length > 0) house.log.info({ count: found.length }, 'deadlines passed');
}
