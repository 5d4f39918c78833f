import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import type { Bundle } from '@medplum/fhirtypes';
import { type Fault, sentence } from '../src/errors.ts';
import { recognise } from '../src/formats/recognise.ts';
import { furnish } from '../src/gateway/furnish.ts';
import type { Format } from '../src/message.ts';
import { convertBytes } from '../src/pipeline/convert-bytes.ts';

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
const root = join(import.meta.dirname, '..');
const { house, faults } = furnish({ mappings: join(root, 'mappings'), profiles: [join(root, 'profiles')] });

test('mappings, profiles and rules have no fault', () => {
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
  const given = { route, sender, format, now: new Date(now), messageId: MESSAGE, idempotencyKey: MESSAGE, account };
  const { bundle, conversion, issues } = await convertBytes(bytes, given, house!);
  // Versions of maps change with every edit; what they are is tested elsewhere.
  const text = JSON.stringify({
    ...(bundle ? { subject: conversion?.subject, bundle: withoutVersions(bundle) } : { refused: true }),
    intents: conversion?.intents,
    orders: conversion?.orders,
    faults: issues.map(publicFault),
    unmapped: conversion?.unmapped,
    account: conversion?.account,
  });
  return JSON.parse(text) as object;
}

function withoutVersions(bundle: Bundle) {
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
  const named = house?.translator.routes.find((one) => one.name === route)?.format;
  const format = named ?? EXTENSIONS[file.slice(file.lastIndexOf('.') + 1)] ?? recognise(bytes);
  if (!format) throw new Error(`no format knows ${file}`);
  return format;
}
