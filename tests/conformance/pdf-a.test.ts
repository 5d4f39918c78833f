import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { renderPdf } from '../../src/adapters/mail/pdf.ts';
import { letterOf, paragraph, traits } from '../adapters/mail-letter.ts';

const root = join(import.meta.dirname, '..', '..');
const pom = join(root, 'tests', 'counterparts', 'preflight', 'pom.xml');
const library = join(root, '.cache', 'preflight');

/** Why Apache PDFBox Preflight cannot be asked here; undefined when it can. */
function preflightMissing(): string | undefined {
  if (spawnSync('mvn', ['--version']).status !== 0 || spawnSync('java', ['-version']).status !== 0) {
    return 'java and mvn are needed';
  }
  const copy = ['-q', '-f', pom, 'dependency:copy-dependencies', `-DoutputDirectory=${library}`];
  return spawnSync('mvn', copy, { timeout: 110_000 }).status === 0 ? undefined : 'Maven does not bring it';
}
const missing = preflightMissing();
if (missing) console.warn(`PDF/A is not judged: ${missing}`);

(missing ? describe.skip : describe)('PDF/A-1b, judged by Apache PDFBox Preflight', () => {
  test.each([
    ['one page', paragraph, 'Lettre'],
    ['many pages', paragraph.repeat(300), 'Compte rendu de <biologie> & suite'],
    ['nothing', '', ''],
  ])('%s', async (_name, narrative, title) => {
    const folder = mkdtempSync(join(tmpdir(), 'passerelle-pdf-'));
    try {
      const file = join(folder, 'copy.pdf');
      writeFileSync(file, await renderPdf(letterOf(narrative, title), traits));
      const judge = ['-cp', join(library, '*'), 'org.apache.pdfbox.preflight.Validator_A1b', file];
      expect(execFileSync('java', judge, { encoding: 'utf8' })).toContain('is a valid PDF/A-1b file');
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
