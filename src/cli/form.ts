import { type Command, exit, shared, UsageError } from './command.ts';
import { configured } from './context.ts';
import { readAnswer, runningGateway } from './running-gateway.ts';

/** What of an OperationOutcome is told. */
interface Refusal {
  issue?: { diagnostics?: string; details?: { text?: string } }[];
}

export const form: Command = {
  name: 'form',
  summary: {
    fr: 'écrit le formulaire d’un partenaire à partir de ce qui est sur le serveur FHIR',
    en: 'writes a partner’s form from what is on the FHIR server',
  },
  usage: 'TYPE/ID [--name FORM] [--gateway URL] [--config FILE]',
  example: 'form ServiceRequest/7f1c2c5e-5c1e-4d5b-9a64-0c9d7d7f0a11 > inclusion.json',
  options: [
    {
      name: 'name',
      value: 'FORM',
      meaning: {
        fr: 'formulaire de mappings/forms.json, si la ressource en porte plusieurs',
        en: 'form of mappings/forms.json, when the resource carries several',
      },
    },
    shared.gateway,
    shared.config,
  ],
  positionals: [1, 1],
  async run(args, io) {
    const [reference = ''] = args.positionals;
    if (!/^[A-Z][A-Za-z]+\/[A-Za-z0-9.-]{1,64}$/.test(reference)) {
      throw new UsageError({
        fr: 'Attendu : TYPE/ID, par exemple ServiceRequest/42.',
        en: 'Expected: TYPE/ID, for example ServiceRequest/42.',
      });
    }
    const config = configured(args, io);
    const gateway = await runningGateway(config, args.values.gateway, 'passerelle-form', io.language);
    const query = args.values.name === undefined ? '' : `?name=${encodeURIComponent(args.values.name)}`;
    const answer = await gateway.get(`${reference}/$form${query}`, 'application/json');
    const read = readAnswer<Refusal>(gateway.fhir, answer);
    if (answer.status === 200) {
      io.out(`${JSON.stringify(read, null, 2)}\n`);
      return exit.done;
    }
    for (const one of read.issue ?? []) io.err(`${one.details?.text ?? one.diagnostics ?? answer.status}\n`);
    return exit.refused;
  },
};
