import { mintToken } from '../access/index.ts';
import { oddScopes } from '../access/scopes.ts';
import { type Command, exit, shared, UsageError, wholeNumber } from './command.ts';
import { configured } from './context.ts';

export const token: Command = {
  name: 'token',
  summary: {
    fr: 'fabrique un jeton d’accès avec la clé du dossier de données, pour les essais',
    en: 'mints an access token with the key in the data folder, for tests',
  },
  usage: '--client ID [--scope "…"] [--practitioner RPPS] [--patient ID] [--ttl SECONDS] [--config FILE]',
  example:
    'token --client cabinet-martin --scope "user/CarePlan.rs user/Patient.rs user/Task.rs" --practitioner 10003456789',
  options: [
    { name: 'client', value: 'ID', meaning: { fr: 'nom du client', en: 'name of the client' } },
    {
      name: 'scope',
      value: '"…"',
      meaning: {
        fr: 'scopes SMART (sinon ceux du client configuré, ou tout)',
        en: 'SMART scopes (else those of the configured client, or everything)',
      },
    },
    {
      name: 'practitioner',
      value: 'RPPS',
      meaning: { fr: 'professionnel au nom de qui il parle', en: 'professional it speaks for' },
    },
    {
      name: 'patient',
      value: 'ID',
      meaning: { fr: 'patient en contexte, pour les scopes patient/', en: 'patient in context, for patient/ scopes' },
    },
    { name: 'ttl', value: 'SECONDS', meaning: { fr: 'durée de validité (3600)', en: 'lifetime (3600)' } },
    shared.config,
  ],
  positionals: [0, 0],
  async run(args, io) {
    const { client, scope, practitioner, patient } = args.values;
    if (!client) throw new UsageError({ fr: '--client est nécessaire.', en: '--client is needed.' });
    for (const one of oddScopes(scope ?? '')) {
      const text = {
        fr: `scope non reconnu, il n’ouvre rien : ${one}`,
        en: `scope not understood, it opens nothing: ${one}`,
      };
      io.err(`${text[io.language]}\n`);
    }
    if (practitioner !== undefined && !/^[0-9A-Za-z]{1,32}$/.test(practitioner)) {
      throw new UsageError({ fr: 'Un numéro RPPS n’a que des chiffres.', en: 'An RPPS number has digits only.' });
    }
    const seconds = wholeNumber(args, 'ttl', 3600, [1, 31_536_000]);
    const minted = await mintToken(configured(args, io), { clientId: client, scope, practitioner, patient, seconds });
    if (!minted) {
      throw new UsageError({
        fr: 'La configuration n’a pas d’émetteur (access.issuer.kind = none).',
        en: 'The configuration has no issuer (access.issuer.kind = none).',
      });
    }
    io.out(`${minted}\n`);
    return exit.done;
  },
};
