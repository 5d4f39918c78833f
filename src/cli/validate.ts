import { readdir, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Resource } from '@medplum/fhirtypes';
import { fault, PasserelleError, sentence } from '../errors.ts';
import type { Examiner, Finding } from '../profile/index.ts';
import { type Command, exit, type Io, shared } from './command.ts';
import { configured, readBytes } from './context.ts';
import { profile } from './rooms.ts';
import { faultLine, progress } from './text.ts';

interface Judged {
  file: string;
  /** Line in a file with a resource a line; else empty. */
  inside: string;
  type: string;
  findings: Finding[];
}

export const validate: Command = {
  name: 'validate',
  summary: {
    fr: 'juge des ressources FHIR selon R4 et les profils chargés',
    en: 'judges FHIR resources against R4 and the loaded profiles',
  },
  usage: 'FILE|DIR… [--profile URL] [--json] [--config FILE]',
  example: 'validate tests/golden --profile http://hl7.org/fhir/StructureDefinition/bodytemp',
  options: [
    {
      name: 'profile',
      value: 'URL',
      meaning: { fr: 'profil à exiger, en plus de meta.profile', en: 'profile to ask for, besides meta.profile' },
    },
    shared.json,
    shared.config,
  ],
  positionals: [1, Number.POSITIVE_INFINITY],
  async run(args, io) {
    const config = configured(args, io);
    const files = (await Promise.all(args.positionals.map((name) => filesAt(name, io)))).flat();
    const { loadProfiles } = await profile();
    const { examiner, faults } = await loadProfiles(config.folders.profiles);
    for (const one of faults) io.err(`${faultLine(one, io.language)}\n`);
    const asked = args.values.profile;
    const told = progress(io, 'validate', files.length);
    const judged: Judged[] = [];
    for (const file of files) {
      judged.push(...(await judgeFile(file, examiner, asked ? [asked] : undefined, io)));
      told.step();
    }
    told.end();
    return report(judged, args.switches.json === true, io);
  },
};

function report(judged: Judged[], json: boolean, io: Io): number {
  const invalid = judged.filter((one) => one.findings.some(({ severity }) => severity === 'error')).length;
  const valid = judged.length - invalid;
  if (json) io.out(`${JSON.stringify({ resources: judged.length, valid, invalid, results: judged }, null, 2)}\n`);
  else {
    for (const { file, inside, findings } of judged) {
      for (const one of findings) {
        const place = inside ? `${inside} ${one.path}` : one.path;
        const why = [one.rule, one.profile].filter(Boolean).join(', ');
        io.out(`${file}: ${severities[io.language][one.severity]} ${place}: ${one.message[io.language]} (${why})\n`);
      }
    }
    if (judged.length === 0) io.err(nothing[io.language]);
    io.out(sum[io.language](judged.length, valid, invalid));
  }
  return invalid > 0 ? exit.refused : exit.done;
}

const severities = {
  fr: { error: 'erreur', warning: 'avertissement', information: 'information' },
  en: { error: 'error', warning: 'warning', information: 'information' },
};

const nothing = {
  fr: 'Rien à juger : aucun fichier .json, .xml ou .ndjson.\n',
  en: 'Nothing to judge: no .json, .xml or .ndjson file.\n',
};

const sum = {
  fr: (all: number, valid: number, invalid: number) => `${all} ressources, ${valid} valides, ${invalid} non valides\n`,
  en: (all: number, valid: number, invalid: number) => `${all} resources, ${valid} valid, ${invalid} invalid\n`,
};

/** The file itself, or every JSON and XML file below a folder, in a stable order. */
async function filesAt(name: string, io: Io): Promise<string[]> {
  if (name === '-') return [name];
  const found = await stat(resolve(io.cwd, name)).catch((error: NodeJS.ErrnoException) => {
    throw new PasserelleError(fault('file-unreadable', { params: { file: name, reason: error.code ?? 'unknown' } }));
  });
  if (!found.isDirectory()) return [name];
  const below = await readdir(resolve(io.cwd, name), { recursive: true, withFileTypes: true });
  return below
    .filter((one) => one.isFile() && /\.(json|xml|ndjson)$/i.test(one.name))
    .map((one) => join(name, one.parentPath.slice(resolve(io.cwd, name).length), one.name))
    .sort();
}

async function judgeFile(file: string, examiner: Examiner, profiles: string[] | undefined, io: Io): Promise<Judged[]> {
  const { read } = await import('../formats/fhir/index.ts');
  const bytes = await readBytes(file, io);
  const documents = /\.ndjson$/i.test(file) ? lines(bytes) : [bytes];
  return documents.map((document, at) => {
    const { tree, faults } = read(document);
    const line = documents.length > 1 ? `${io.language === 'fr' ? 'ligne' : 'line'} ${at + 1}` : '';
    const resource = tree as Resource | undefined;
    const broken = faults.filter((one) => one.severity === 'error');
    if (!resource?.resourceType || broken.length > 0) {
      const findings = (broken.length > 0 ? broken : [fault('format-unknown')]).map((one) => ({
        severity: one.severity,
        path: one.place ?? '$this',
        rule: one.code,
        profile: '',
        message: { en: sentence(one, 'en'), fr: sentence(one, 'fr') },
      }));
      return { file, inside: line, type: '', findings };
    }
    return { file, inside: line, type: resource.resourceType, findings: examiner.judge(resource, { profiles }) };
  });
}

function lines(bytes: Uint8Array): Uint8Array[] {
  const text = new TextDecoder().decode(bytes);
  return text
    .split('\n')
    .filter((line) => line.trim())
    .map((line) => new TextEncoder().encode(line));
}
