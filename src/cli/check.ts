import { loadConfig } from '../config.ts';
import type { Fault } from '../errors.ts';
import { createLog } from '../log.ts';
import { type Command, exit, shared } from './command.ts';
import { gateway } from './rooms.ts';
import { faultLine, inWords } from './text.ts';

export const check: Command = {
  name: 'check',
  summary: {
    fr: 'vérifie configuration, tables, profils et accès à chaque porte ; dit tout à la fois',
    en: 'checks configuration, maps, profiles and reachability of every door; says everything at once',
  },
  usage: '[--config FILE] [--json]',
  example: 'check --config /etc/passerelle/config.json',
  options: [shared.config, shared.json],
  positionals: [0, 0],
  async run(args, io) {
    const {
      config,
      rest = config,
      faults,
    } = loadConfig({ environment: io.environment, cwd: io.cwd, file: args.values.config });
    const found: Fault[] = [...faults];
    if (rest) {
      const { checkGateway } = await gateway();
      found.push(...(await checkGateway(rest, createLog({ level: 'silent' }))));
    }
    const wrong = found.some((one) => one.severity === 'error');
    if (args.switches.json)
      io.out(`${JSON.stringify({ ok: !wrong, faults: found.map((one) => inWords(one, io.language)) }, null, 2)}\n`);
    else {
      for (const one of found) io.err(`${faultLine(one, io.language)}\n`);
      const well = { fr: 'Rien à redire : la passerelle peut démarrer.', en: 'Nothing wrong: the gateway can start.' };
      if (!wrong) io.out(`${well[io.language]}\n`);
    }
    return wrong ? exit.usage : exit.done;
  },
};
