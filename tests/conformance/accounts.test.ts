import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import { register } from '../../src/errors.ts';
import { furnish } from '../../src/gateway/furnish.ts';
import { convertBytes } from '../../src/pipeline/convert-bytes.ts';
import { type Share, shareOf, shareTable } from './accounts.ts';

/**
 * Nothing falls silently: of every CDA document and HL7 v2 message of the corpus each value is mapped, kept or ignored by a
 * declared rule, and at least 90 % of what is clinically or administratively meaningful is mapped, file by file.
 */
const CORPUS = join(import.meta.dirname, '../../../shared/corpus');
const root = join(import.meta.dirname, '../..');
const present = existsSync(join(CORPUS, 'INDEX.md'));
if (!present) console.warn(`SKIPPED: the corpus is not at ${CORPUS}; what becomes of its values was not counted.`);

const files = present
  ? readdirSync(CORPUS)
      .filter((folder) => /^(?:cda|hl7v2)-/.test(folder))
      .flatMap((folder) => readdirSync(join(CORPUS, folder)).map((name) => join(folder, name)))
  : [];
const { house } = furnish({ mappings: join(root, 'mappings'), profiles: [join(root, 'profiles')] });
const rows: [string, Share][] = [];

(present ? describe : describe.skip)('accounts of the corpus (skipped without ../shared/corpus)', () => {
  for (const file of files) {
    test(file, async () => {
      const bytes = readFileSync(join(CORPUS, file));
      const { conversion, issues } = await convertBytes(
        bytes,
        { now: new Date('2024-06-01T00:00:00Z'), account: true },
        house!,
      );
      const errors = issues.filter((one) => one.severity === 'error');
      for (const { code } of errors) expect(Object.hasOwn(register, code)).toBe(true);
      // A placeholder instead of a document, or an acknowledgement, is refused before it is mapped.
      if (!conversion?.account) return expect(errors.length).toBeGreaterThan(0);
      expect(errors).toEqual([]);
      const share = shareOf(conversion.account);
      rows.push([file, share]);
      expect(conversion.account.fallen).toEqual([]);
      expect(share.mapped / share.meaningful).toBeGreaterThanOrEqual(0.9);
    });
  }

  test('at least 40 files were counted', () => {
    expect(rows.length).toBeGreaterThanOrEqual(40);
  });

  afterAll(() => {
    if (process.env.TABLE) console.log(shareTable(rows));
  });
});

test('every rule that ignores a value says why, in words of its own', () => {
  const folder = join(root, 'mappings');
  for (const name of readdirSync(folder).filter((one) => one.startsWith('ignore-'))) {
    for (const { place, reason } of JSON.parse(readFileSync(join(folder, name), 'utf8')) as {
      place: string;
      reason: string;
    }[]) {
      expect({ name, place, words: reason.split(/\s+/).length > 1 }).toEqual({ name, place, words: true });
    }
  }
});
