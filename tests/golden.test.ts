import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import type { Decoded } from '../src/conversion.ts';
import { type Fault, sentence } from '../src/errors.ts';
import { recognise } from '../src/formats/recognise.ts';
import { assemble, type EmbeddedDocument, loadMappings } from '../src/mapping/index.ts';
import type { Format } from '../src/message.ts';

/**
 * Golden cases: `tests/golden/CASE/input.*` converted by the maps of the repository with a fixed clock and message id must give
 * `expected.json`. `case.json` may name route, sender and the moment of reception. UPDATE_GOLDEN=1 writes what comes out; the
 * difference is reviewed.
 */
const FOLDER = join(import.meta.dirname, 'golden');
const UPDATE = process.env.UPDATE_GOLDEN === '1';
const MESSAGE = '019a0000-0000-7000-8000-000000000001';

interface Case {
  route?: string;
  sender?: string;
  now?: string;
  /** Also fix what became of every value of the source. */
  account?: boolean;
}

const EXTENSIONS: Record<string, Format> = { hl7: 'hl7v2', csv: 'csv', xlsx: 'xlsx', eml: 'mail' };
const { translator, faults } = loadMappings(join(import.meta.dirname, '..', 'mappings'));

test('the mappings have no fault', () => {
  expect(faults.map((fault) => sentence(fault))).toEqual([]);
});

describe('golden', () => {
  for (const name of existsSync(FOLDER) ? readdirSync(FOLDER).sort() : []) {
    const folder = join(FOLDER, name);
    const input = readdirSync(folder).find((file) => file.startsWith('input.'));
    if (!input) continue;
    test(name, async () => {
      const actual = await convert(join(folder, input), caseOf(folder));
      const expected = join(folder, 'expected.json');
      if (UPDATE || !existsSync(expected)) {
        writeFileSync(expected, `${JSON.stringify(actual, null, 2)}\n`);
        if (!UPDATE) throw new Error(`${name} had no expected.json; it was written, review it`);
      }
      expect(actual).toEqual(JSON.parse(readFileSync(expected, 'utf8')));
    });
  }
});

function caseOf(folder: string): Case {
  const file = join(folder, 'case.json');
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Case) : {};
}

async function convert(file: string, { route, sender = 'golden', now = '2021-03-10T09:00:00Z', account }: Case) {
  const bytes = readFileSync(file);
  const format = formatOf(file, bytes, route);
  const decoded = await read(format, bytes);
  const parts = await embedded(decoded);
  const receivedAt = new Date(now);
  const context = { sender, messageIdentity: MESSAGE, receivedAt, route, bytes, parts, account };
  const conversion = translator!.convert(decoded, context);
  const found = [...decoded.faults, ...parts.flatMap((part) => part.decoded.faults), ...conversion.faults];
  const refused = found.some((fault) => fault.severity === 'error');
  const bundle = assemble(conversion, { message: { id: MESSAGE, sender, receivedAt: receivedAt.getTime() } });
  // Versions of maps change with every edit; what they are is tested elsewhere.
  const text = JSON.stringify({
    ...(refused ? { refused } : { subject: conversion.subject, bundle: withoutVersions(bundle) }),
    intents: conversion.intents,
    orders: conversion.orders,
    faults: found.map(publicFault),
    unmapped: conversion.unmapped,
    account: conversion.account,
  });
  return JSON.parse(text) as object;
}

function withoutVersions(bundle: ReturnType<typeof assemble>) {
  const isVersion = ({ url }: { url?: string }) => url?.endsWith('/map-version');
  for (const { resource } of bundle.entry ?? []) {
    if (resource?.resourceType !== 'Provenance') continue;
    for (const one of resource.extension?.filter(isVersion) ?? []) one.valueString = one.valueString?.split('|')[0];
  }
  return bundle;
}

function publicFault({ detail: _, ...fault }: Fault) {
  return fault;
}

function formatOf(file: string, bytes: Uint8Array, route: string | undefined): Format {
  const named = translator?.routes.find((one) => one.name === route)?.format;
  const format = named ?? EXTENSIONS[file.slice(file.lastIndexOf('.') + 1)] ?? recognise(bytes);
  if (!format) throw new Error(`no format knows ${file}`);
  return format;
}

/** Each format when it is needed, so that a case of one does not wait for the others. */
async function read(format: Format, bytes: Uint8Array): Promise<Decoded> {
  const reader = (await import(`../src/formats/${format}/index.ts`)) as { read(bytes: Uint8Array): Decoded };
  return reader.read(bytes);
}

async function embedded(decoded: Decoded): Promise<EmbeddedDocument[]> {
  const documents: EmbeddedDocument[] = [];
  for (const part of decoded.parts) {
    if (recognise(part.bytes, part.contentType) !== 'cda') continue;
    documents.push({ ...part, decoded: await read('cda', part.bytes) });
  }
  return documents;
}
