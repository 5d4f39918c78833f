import type { Resource } from '@medplum/fhirtypes';
import { mintToken } from '../access/index.ts';
import type { Config } from '../config.ts';
import type { Conversion, Draft, Trace } from '../conversion.ts';
import { fault, PasserelleError } from '../errors.ts';
import type { Journal, MessageRecord } from '../journal/journal.ts';
import { type Arguments, type Command, exit, shared, UsageError } from './command.ts';
import { configured, withJournal } from './context.ts';
import { convertBy } from './pure.ts';
import { table } from './text.ts';

const source = 'urn:passerelle:message:';

export const explain: Command = {
  name: 'explain',
  summary: {
    fr: 'd’où vient un élément : message, place dans la source, table, règle, code traduit',
    en: 'where an element came from: message, place in the source, map, rule, translated code',
  },
  usage: 'TYPE/ID [PATH] [--to URL] [--json] [--config FILE]',
  example: 'explain Patient/7f1c2c5e-5c1e-4d5b-9a64-0c9d7d7f0a11 birthDate',
  options: [
    {
      name: 'to',
      value: 'URL',
      meaning: {
        fr: 'passerelle qui tourne (sinon la configuration)',
        en: 'gateway that runs (else the configuration)',
      },
    },
    shared.json,
    shared.config,
  ],
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
    const resource = await readResource(config, args, reference);
    const { record, bytes } = await withJournal(config, (journal) => origin(journal, reference, resource));
    const now = new Date(record.receivedAt);
    const { conversion } = await convertBy(config, bytes, { route: record.route, now });
    const draft = conversion && draftOf(conversion, record, reference, resource);
    const traces = (conversion?.traces ?? []).filter((one) => one.target === draft?.fullUrl && below(one.path, path));
    const rows = traces.map((one) => ({
      ...one,
      version: conversion?.maps[mapName(one.map)] ?? record.maps[mapName(one.map)],
    }));
    if (args.switches.json)
      io.out(`${JSON.stringify({ resource: reference, message: record.id, elements: rows }, null, 2)}\n`);
    else {
      const headings = {
        fr: ['élément', 'place dans la source', 'table', 'règle', 'version', 'code traduit'],
        en: ['element', 'place in the source', 'map', 'rule', 'version', 'translated code'],
      };
      io.out(`${reference} ← message ${record.id} (${record.kind})\n`);
      io.out(
        table(
          headings[io.language],
          rows.map((one) => [one.path, one.place, one.map, one.rule, one.version ?? '', translated(one)]),
        ),
      );
    }
    return rows.length > 0 ? exit.done : exit.refused;
  },
};

/** The message a resource came from, and its bytes: named by `meta.source`, else found by what messages wrote. */
async function origin(journal: Journal, reference: string, resource: Resource | undefined) {
  const named = resource?.meta?.source?.startsWith(source) ? resource.meta.source.slice(source.length) : undefined;
  const record = named ? await journal.get(named) : await writer(journal, reference);
  const bytes = record && (await journal.bytes(record.id));
  if (!record || !bytes) throw new PasserelleError(fault('message-unknown'));
  return { record, bytes };
}

async function writer(journal: Journal, reference: string): Promise<MessageRecord | undefined> {
  let before: string | undefined;
  for (;;) {
    const page = await journal.list({ limit: 1000, before });
    const found = page.find((one) => one.references.includes(reference));
    if (found || page.length === 0) return found;
    before = page.at(-1)?.id;
  }
}

/** From the gateway that runs; undefined when none answers: then the journal must do. */
async function readResource(config: Config, args: Arguments, reference: string): Promise<Resource | undefined> {
  const base = args.values.to ?? `${config.http.tls ? 'https' : 'http'}://${config.http.listen}`;
  try {
    const token = await mintToken(config, { clientId: 'passerelle-explain', seconds: 60 });
    const headers = { authorization: `Bearer ${token}`, accept: 'application/fhir+json' };
    const answer = await fetch(`${base.replace(/\/$/, '')}/fhir/R4/${reference}`, {
      headers,
      signal: AbortSignal.timeout(5000),
    });
    return answer.ok ? ((await answer.json()) as Resource) : undefined;
  } catch {
    return undefined;
  }
}

/** The draft that became this resource: the one with the same identifier, else the one in its place among its type. */
function draftOf(
  conversion: Conversion,
  record: MessageRecord,
  reference: string,
  resource?: Resource,
): Draft | undefined {
  const type = reference.split('/')[0];
  const drafts = conversion.drafts.filter((one) => one.resource.resourceType === type);
  const known = identifiers(resource);
  const same = drafts.find((one) =>
    [...identifiers(one.resource), `${one.identity.system}|${one.identity.value}`].some((text) => known.includes(text)),
  );
  const place = record.references.filter((one) => one.startsWith(`${type}/`)).indexOf(reference);
  return same ?? (drafts.length === 1 ? drafts[0] : drafts[place]);
}

function identifiers(resource: Resource | undefined): string[] {
  const { identifier } = (resource ?? {}) as { identifier?: unknown };
  const list = (Array.isArray(identifier) ? identifier : [identifier]) as (
    | { system?: string; value?: string }
    | undefined
  )[];
  return list.flatMap((one) => (one?.value ? [`${one.system ?? ''}|${one.value}`] : []));
}

function below(path: string, asked: string | undefined): boolean {
  return asked === undefined || path === asked || path.startsWith(`${asked}.`) || path.startsWith(`${asked}[`);
}

function mapName(map: string): string {
  return map.replace(/\.map$/, '');
}

function translated({ translation }: Trace): string {
  return translation ? `${translation.table}: ${translation.from} → ${translation.to}` : '';
}
