import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mintToken } from '../access/index.ts';
import { type Config, loadConfig } from '../config.ts';
import { PasserelleError } from '../errors.ts';
import { createLog } from '../log.ts';
import { type Command, exit, type Io, type Language } from './command.ts';
import type { DoorStep } from './demo/doors.ts';
import { play } from './demo/paths.ts';
import { stageDoors } from './demo/stage-doors.ts';
import type { DemoStep } from './demo/step.ts';
import { story } from './demo/story.ts';
import { gateway } from './rooms.ts';

export const demo: Command = {
  name: 'demo',
  summary: {
    fr: 'joue les trois parcours par les vraies portes, puis reste ouvert à l’exploration',
    en: 'plays the three user paths through the real doors, then stays up to be explored',
  },
  usage: '[--once] [--doors]',
  example: 'demo --once',
  options: [
    { name: 'once', meaning: { fr: 'finit après les parcours', en: 'ends after the paths' } },
    {
      name: 'doors',
      meaning: {
        fr: 'suit une lettre de sortie par toutes les portes : DMP, MSSanté, accusés ZAM ; puis finit',
        en: 'follows a discharge letter through every door: shared record, secure mail, ZAM answers; then ends',
      },
    },
  ],
  positionals: [0, 0],
  async run(args, io) {
    if (args.switches.doors) return doors(io);
    const data = await mkdtemp(join(tmpdir(), 'passerelle-demo-'));
    const config = demoConfig(data, io);
    const log = createLog({ level: config.log.level, stream: { write: io.err } });
    const { runGateway } = await gateway();
    const running = await runGateway(config, log);
    try {
      let ok = true;
      let number = 0;
      const token = async (client: string, scope?: string) =>
        (await mintToken(config, { clientId: client, scope })) ?? '';
      const stage = { url: running.url, mllp: running.addresses.mllp?.[0] ?? '', token };
      io.out(`${intro[io.language]} ${running.url}  ${stage.mllp}\n\n`);
      for await (const step of play(story(new Date()), stage)) {
        io.out(stepText(step, ++number, io.language));
        ok &&= step.ok;
      }
      io.out(`${ok ? done[io.language] : failed[io.language]}\n`);
      if (!args.switches.once) {
        io.out(exploreText(running.url, await token('demo'), io.language));
        await new Promise<void>((resolve) => io.onStop(resolve));
      }
      return ok ? exit.done : exit.refused;
    } finally {
      await running.stop();
      await rm(data, { recursive: true, force: true });
    }
  },
};

/** One line for each thing that happened at a door. */
async function doors(io: Io): Promise<number> {
  io.out(`${doorsIntro[io.language]}\n\n`);
  const ok = await stageDoors(io, (step) => io.out(doorText(step, io.language)));
  io.out(`\n${ok ? doorsDone[io.language] : failed[io.language]}\n`);
  return ok ? exit.done : exit.refused;
}

function doorText({ ok, from, to, way, what }: DoorStep, language: Language): string {
  const called = (name: string) => (language === 'fr' ? (french[name] ?? name) : name);
  const ways = `${called(from)} → ${called(to)}`.padEnd(14);
  return `${ok ? '✓' : '✗'} ${ways}${way.padEnd(12)}${what[language]}\n`;
}

/** Those who take part in `--doors`, where French has another word for them. */
const french: Record<string, string> = { hospital: 'hôpital', operator: 'opérateur', readers: 'lecteurs', GP: 'MT' };

const doorsIntro = {
  fr: 'Une lettre de sortie par toutes les portes ; A et B sont deux passerelles.',
  en: 'A discharge letter through every door; A and B are two gateways.',
};
const doorsDone = { fr: 'Toutes les portes ont tenu.', en: 'Every door held.' };

const intro = { fr: 'La passerelle écoute :', en: 'The gateway listens:' };
const done = { fr: 'Les trois parcours ont abouti.', en: 'All three paths held.' };
const failed = { fr: 'Une étape a échoué (✗).', en: 'A step failed (✗).' };

/** How to go on by hand. */
function exploreText(url: string, token: string, language: 'fr' | 'en'): string {
  const sentence = {
    fr: 'La passerelle reste ouverte jusqu’à Ctrl-C. Par exemple :',
    en: 'The gateway stays up until Ctrl-C. Look around, for example:',
  }[language];
  const pages = `${url}/console/#/follow-up&token=${token}`;
  return `\n${sentence}\n\n  ${pages}\n\n  curl -H 'Authorization: Bearer ${token}' '${url}/fhir/R4/CarePlan?_include=CarePlan:subject'\n\n`;
}

/** A data folder of its own; listeners as configured, so that the addresses printed in the README hold. */
function demoConfig(data: string, io: Io): Config {
  const environment = { PASSERELLE_LOG: 'warn', ...io.environment, PASSERELLE_DATA: data };
  const { config, faults } = loadConfig({ environment, cwd: io.cwd });
  if (!config) throw new PasserelleError(faults);
  return config;
}

/** What came in, what was answered, and the resources that came out with their URLs. */
export function stepText({ what, answer, urls, ok }: DemoStep, number: number, language: Language): string {
  const head = `${ok ? '✓' : '✗'} ${number}. ${what[language]}\n     → ${answer[language]}\n`;
  const lines = byType(urls).map(([type, list]) => {
    const more = list.length > 1 ? `  (${list.length})` : '';
    return `     ${type.padEnd(22)} ${list[0]}${more}\n`;
  });
  return `${head}${lines.join('')}\n`;
}

/** The first of each type stands for all: thirty tasks are shown by one address and their number. */
function byType(urls: string[]): [string, string[]][] {
  const types = Map.groupBy(urls, (url) => url.split('/').at(-2) ?? '');
  return [...types];
}
