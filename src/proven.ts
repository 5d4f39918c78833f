import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';

/** The hashes of what ships and was found sound; written by `npm run docs`, held up to date by `tests/mapping/proven.test.ts`. */
export const provenFile = new URL('./proven.json', import.meta.url);

let known: Set<string> | undefined;

/** What stands in the list for these texts. */
export function proofOf(...texts: string[]): string {
  const hash = createHash('sha256');
  for (const text of texts) hash.update(`${text.length} `).update(text);
  return hash.digest('hex').slice(0, 32);
}

/**
 * Whether the texts are, byte for byte, a schema (a schema and the data it was held against, all definitions of a folder)
 * that the test suite found sound. A start need not find that out again, which took 1.1 s of processor time; whatever was
 * changed on the spot is examined as ever.
 */
export function isProven(...texts: string[]): boolean {
  known ??= new Set(JSON.parse(readFileSync(provenFile, 'utf8')) as string[]);
  return known.has(proofOf(...texts));
}
