import { verifyAudit } from '../access/audit.ts';
import { fault, PasserelleError } from '../errors.ts';
import { type Command, exit, shared, UsageError } from './command.ts';
import { configured } from './context.ts';

export const audit: Command = {
  name: 'audit',
  summary: {
    fr: 'vérifie qu’aucune ligne du journal d’accès n’a été retirée ni modifiée',
    en: 'checks that no row of the access log was removed or edited',
  },
  usage: 'verify [--config FILE]',
  example: 'audit verify',
  options: [shared.config],
  positionals: [1, 1],
  async run(args, io) {
    if (args.positionals[0] !== 'verify') {
      throw new UsageError({ fr: 'Seul « audit verify » existe.', en: 'Only "audit verify" exists.' });
    }
    const { data } = configured(args, io);
    const state = verifyAudit(data);
    if (!state) throw new PasserelleError(fault('audit-absent', { params: { folder: data } }));
    if (!state.whole) {
      const text = {
        fr: `La chaîne est rompue à la ligne ${state.row} : une ligne a été retirée ou modifiée.\n`,
        en: `The chain is broken at row ${state.row}: a row was removed or edited.\n`,
      };
      io.err(text[io.language]);
      return exit.refused;
    }
    const text = {
      fr: `${state.rows} lignes, aucune retirée ni modifiée. Tête de chaîne : ${state.head}\n`,
      en: `${state.rows} rows, none removed or edited. Head of the chain: ${state.head}\n`,
    };
    io.out(text[io.language]);
    return exit.done;
  },
};
