import { createLog, readableOutput } from '../log.ts';
import { type Command, exit, shared } from './command.ts';
import { configured } from './context.ts';
import { gateway } from './rooms.ts';

/** The contract says ten seconds from signal to exit; what still hangs then is in the journal and taken up at the next start. */
const mostMsToStop = 9000;

export const start: Command = {
  name: 'start',
  summary: {
    fr: 'fait tourner la passerelle jusqu’à SIGTERM ou SIGINT, puis termine ce qui est en cours',
    en: 'runs the gateway until SIGTERM or SIGINT, then finishes what is in flight',
  },
  usage: '[--config FILE]',
  example: 'start --config /etc/passerelle/config.json',
  options: [shared.config],
  positionals: [0, 0],
  async run(args, io) {
    const config = configured(args, io);
    const log = createLog({ level: config.log.level, stream: io.terminal.out ? await readableOutput() : undefined });
    const stopped = new Promise<void>((resolve) => io.onStop(resolve));
    const { runGateway } = await gateway();
    const running = await runGateway(config, log);
    await stopped;
    log.info('stopping');
    const late = Symbol('late');
    const ended = await Promise.race([running.stop(), after(mostMsToStop, late)]);
    if (ended === late) log.warn({ seconds: mostMsToStop / 1000 }, 'stopped before everything had ended');
    else log.info('stopped');
    return exit.done;
  },
};

function after<T>(ms: number, value: T): Promise<T> {
  return new Promise((resolve) => setTimeout(resolve, ms, value).unref());
}
