import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mintToken } from '../access/index.ts';
import { type Config, loadConfig } from '../config.ts';
import { PasserelleError } from '../errors.ts';
import { createLog } from '../log.ts';
import { type Command, exit, type Io } from './command.ts';
import { play } from './demo/paths.ts';
import type { DemoStep } from './demo/step.ts';
import { story } from './demo/story.ts';
import { gateway } from './rooms.ts';
import { table } from './text.ts';

export const demo: Command = {
  name: 'demo',
  summary: {
    fr: 'joue les trois parcours par les vraies portes, puis reste ouvert à l’exploration',
    en: 'plays the three user paths through the real doors, then stays up to be explored',
  },
  usage: '[--once]',
  example: 'demo --once',
  options: [{ name: 'once', meaning: { fr: 'finit après les parcours', en: 'ends after the paths' } }],
  positionals: [0, 0],
  async run(args, io) {
    const data = await mkdtemp(join(tmpdir(), 'passerelle-demo-'));
    const config = demoConfig(data, io);
    const log = createLog({ level: config.log.level, stream: { write: io.err } });
    const { runGateway } = await gateway();
    const running = await runGateway(config, log);
    try {
      const steps: DemoStep[] = [];
      const token = async (client: string, scope?: string) =>
        (await mintToken(config, { clientId: client, scope })) ?? '';
      const stage = { url: running.url, mllp: running.addresses.mllp?.[0] ?? '', token };
      for await (const step of play(story(new Date()), stage)) steps.push(step);
      io.out(stepTable(steps, io));
      const ok = steps.every((one) => one.ok);
      if (!args.switches.once) {
        io.out(exploreText(running.url, await token('demo')));
        await new Promise<void>((resolve) => io.onStop(resolve));
      }
      return ok ? exit.done : exit.refused;
    } finally {
      await running.stop();
      await rm(data, { recursive: true, force: true });
    }
  },
};

/** How to go on by hand. */
function exploreText(url: string, token: string): string {
  return `\nThe gateway stays up until Ctrl-C. Look around, for example:\n\n  curl -H 'Authorization: Bearer ${token}' '${url}/fhir/R4/CarePlan'\n\n`;
}

/** A data folder of its own; listeners as configured, so that the addresses printed in the README hold. */
function demoConfig(data: string, io: Io): Config {
  const environment = { PASSERELLE_LOG: 'warn', ...io.environment, PASSERELLE_DATA: data };
  const { config, faults } = loadConfig({ environment, cwd: io.cwd });
  if (!config) throw new PasserelleError(faults);
  return config;
}

/** What came in and which resources came out, one line a resource. */
export function stepTable(steps: DemoStep[], io: Pick<Io, 'language'>): string {
  const headings = { fr: ['entré', 'réponse', 'ressources'], en: ['in', 'answer', 'resources'] }[io.language];
  const rows = steps.flatMap(({ what, answer, urls, ok }) => {
    const first = [what, `${ok ? '' : '! '}${answer}`, urls[0] ?? ''];
    return [first, ...urls.slice(1).map((url) => ['', '', url])];
  });
  return table(headings, rows);
}
