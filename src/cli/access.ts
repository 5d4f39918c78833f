import type { Patient } from '@medplum/fhirtypes';
import type { Caller } from '../access/caller.ts';
import { type ExplainedAccess, explainAccess } from '../access/explain.ts';
import { recordsOf } from '../access/porter-records.ts';
import { loadAccessRules } from '../access/porter-rules.ts';
import { parseScopes } from '../access/scopes.ts';
import { fault, PasserelleError } from '../errors.ts';
import { createLog } from '../log.ts';
import { openFhir } from '../store/open.ts';
import { type Command, exit, type Io, shared, UsageError } from './command.ts';
import { configured } from './context.ts';
import { table } from './text.ts';

export const access: Command = {
  name: 'access',
  summary: {
    fr: 'qui voit quoi d’un patient, et par quelle règle',
    en: 'who sees what of a patient, and by which rule',
  },
  usage: '--practitioner RPPS | --client ID  --patient INS|ID [--json] [--config FILE]',
  example: 'access --practitioner 10101010101 --patient 254037511408220',
  options: [
    { name: 'practitioner', value: 'RPPS', meaning: { fr: 'professionnel', en: 'professional' } },
    {
      name: 'client',
      value: 'ID',
      meaning: {
        fr: 'client de la configuration (outil de suivi)',
        en: 'client of the configuration (follow-up tool)',
      },
    },
    {
      name: 'patient',
      value: 'INS|ID',
      meaning: { fr: 'matricule INS, ou Patient/ID', en: 'INS number, or Patient/ID' },
    },
    shared.json,
    shared.config,
  ],
  positionals: [0, 0],
  async run(args, io) {
    const { practitioner, client, patient } = args.values;
    if ((practitioner === undefined) === (client === undefined) || patient === undefined) {
      throw new UsageError({
        fr: 'Attendu : --practitioner ou --client, et --patient.',
        en: 'Expected: --practitioner or --client, and --patient.',
      });
    }
    const config = configured(args, io);
    const rules = loadAccessRules(config.folders.mappings);
    const fhir = await openFhir(config, createLog({ level: 'silent' }));
    try {
      const records = recordsOf(fhir.endpoint);
      const [, id] = /^Patient\/([A-Za-z0-9.-]{1,64})$/.exec(patient) ?? [];
      const found = await records.find<Patient>(
        'Patient',
        id ? '_id' : 'identifier',
        id ? [id] : [patient.replace(/[,|\\]/g, '')],
      );
      if (found.length !== 1 || !found[0]?.id) throw new PasserelleError(fault('patient-not-one'));
      const caller = callerOf(
        practitioner,
        client,
        config.access.clients.find((one) => one.client_id === client)?.programmes,
      );
      const explained = await explainAccess(rules, caller, found[0].id, fhir.endpoint);
      if (args.switches.json)
        io.out(`${JSON.stringify({ patient: `Patient/${found[0].id}`, ...explained }, null, 2)}\n`);
      else io.out(textOf(explained.kinds, io));
      if (practitioner !== undefined && !explained.known) {
        io.err(
          {
            fr: 'Ce RPPS n’est pas dans l’annuaire du serveur FHIR.\n',
            en: 'This RPPS is not in the FHIR server’s directory.\n',
          }[io.language],
        );
      }
      return explained.kinds.some((one) => one.allowed) ? exit.done : exit.refused;
    } finally {
      await fhir.close();
    }
  },
};

function callerOf(practitioner: string | undefined, client: string | undefined, programmes?: string[]): Caller {
  return {
    clientId: client ?? 'passerelle access',
    subject: practitioner ?? client ?? '',
    issuer: 'passerelle access',
    scopes: parseScopes(practitioner === undefined ? 'system/*.rs' : 'user/*.rs'),
    expiresAt: Number.MAX_SAFE_INTEGER,
    sees: () => true,
    ...(practitioner === undefined ? {} : { practitioner }),
    ...(programmes ? { programmes } : {}),
  };
}

/** Kinds with the same verdict share a row. */
function textOf(kinds: ExplainedAccess[], io: Io): string {
  const { language } = io;
  const rows = new Map<string, { kinds: string[]; row: string[] }>();
  const words = { fr: { yes: 'oui', no: 'non' }, en: { yes: 'yes', no: 'no' } }[language];
  for (const { kind, label = '', allowed, rule, view = '' } of kinds) {
    const key = `${label}|${allowed}|${rule}|${view}`;
    const known = rows.get(key) ?? { kinds: [], row: [label, allowed ? words.yes : words.no, rule, view] };
    known.kinds.push(kind);
    rows.set(key, known);
  }
  const headings = {
    fr: ['marque', 'vu', 'règle', 'vue', 'ressources'],
    en: ['label', 'seen', 'rule', 'view', 'resources'],
  }[language];
  return table(
    headings,
    [...rows.values()].map((one) => [...one.row, briefly(one.kinds)]),
    io.terminal.columns,
  );
}

function briefly(kinds: string[]): string {
  return kinds.length <= 6 ? kinds.join(', ') : `${kinds.slice(0, 6).join(', ')} … (${kinds.length})`;
}
