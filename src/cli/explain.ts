import type { Resource } from '@medplum/fhirtypes';
import type { Config } from '../config.ts';
import type { Trace } from '../conversion.ts';
import { fault, PasserelleError } from '../errors.ts';
import type { ConvertOptions } from '../pipeline/convert-bytes.ts';
import { explainResource } from '../pipeline/explain.ts';
import { type Arguments, type Command, exit, type Io, shared, UsageError } from './command.ts';
import { configured, withJournal } from './context.ts';
import { convertBy } from './pure.ts';
import { runningGateway } from './running-gateway.ts';
import { table } from './text.ts';

export const explain: Command = {
  name: 'explain',
  summary: {
    fr: 'd’où vient un élément : message, place dans la source, table, règle, code traduit',
    en: 'where an element came from: message, place in the source, map, rule, translated code',
  },
  usage: 'TYPE/ID [PATH] [--gateway URL] [--json] [--config FILE]',
  example: 'explain Patient/7f1c2c5e-5c1e-4d5b-9a64-0c9d7d7f0a11 birthDate',
  options: [shared.gateway, shared.json, shared.config],
  positionals: [1, 2],
  async run(args, io) {
    const [reference = '', path] = args.positionals;
    if (!/^[A-Z][A-Za-z]+\/[A-Za-z0-9.-]{1,64}$/.test(reference)) {
      throw new UsageError({
        fr: 'Attendu : TYPE/ID, par exemple Patient/42.',
        en: 'Expected: TYPE/ID, for example Patient/42.',
      });
    }
    const config = configured(args, io);
    const convert = (bytes: Uint8Array, options: ConvertOptions) => convertBy(config, bytes, options);
    // The journal first: a folder without one is not to get keys for asking a gateway.
    const origin = await withJournal(config, async (journal) =>
      explainResource(journal, convert, { reference, resource: await readResource(config, args, reference, io), path }),
    );
    if (!origin) throw new PasserelleError(fault('origin-unknown', { params: { reference } }));
    const { message, elements } = origin;
    if (args.switches.json) {
      io.out(`${JSON.stringify({ resource: reference, message: message.id, elements }, null, 2)}\n`);
    } else {
      const headings = {
        fr: ['élément', 'place dans la source', 'table', 'règle', 'version', 'code traduit'],
        en: ['element', 'place in the source', 'map', 'rule', 'version', 'translated code'],
      };
      io.out(`${reference} ← message ${message.id} (${message.kind})\n`);
      io.out(
        table(
          headings[io.language],
          elements.map((one) => [one.path, one.place, one.map, one.rule, one.version, translated(one)]),
          io.terminal.columns,
        ),
      );
    }
    if (elements.length === 0) {
      const nothing = {
        fr: 'Rien n’est connu de cet élément : ce message ne l’a pas écrit.',
        en: 'Nothing is known about this element: that message did not write it.',
      };
      io.err(`${nothing[io.language]}\n`);
    }
    return elements.length > 0 ? exit.done : exit.refused;
  },
};

/** From the gateway that runs; undefined when none answers: then the journal must do. */
async function readResource(config: Config, args: Arguments, reference: string, io: Io): Promise<Resource | undefined> {
  try {
    const gateway = await runningGateway(config, args.values.gateway, 'passerelle-explain', io.language);
    const { status, text } = await gateway.get(reference);
    return status === 200 ? (JSON.parse(text) as Resource) : undefined;
  } catch {
    return undefined;
  }
}

function translated({ translation }: Trace): string {
  return translation ? `${translation.table}: ${translation.from} → ${translation.to}` : '';
}
