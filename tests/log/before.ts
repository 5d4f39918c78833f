import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

/** Before all tests: where copies of the log lines go. */
export default function before(): void {
  process.env.LOG_COPIES = mkdtempSync(join(tmpdir(), 'passerelle-log-'));
  const keep = pathToFileURL(join(import.meta.dirname, 'keep.mjs'));
  process.env.NODE_OPTIONS = `${process.env.NODE_OPTIONS ?? ''} --import ${keep}`.trim();
}
