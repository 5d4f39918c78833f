import { type Fault, paramsIn, sentence } from '../errors.ts';
import type { Io, Language } from './command.ts';

/** One fault as a line: severity, code, place, sentence. */
export function faultLine(one: Fault, language: Language): string {
  const words = {
    error: { fr: 'erreur', en: 'error' },
    warning: { fr: 'avertissement', en: 'warning' },
    information: { fr: 'information', en: 'information' },
  }[one.severity];
  const where = [one.place, one.rule].filter(Boolean).join(', ');
  const colon = language === 'fr' ? ' :' : ':';
  return `${words[language]} ${one.code}${where ? ` [${where}]` : ''}${colon} ${sentence(one, language)}`;
}

/** A fault for JSON: with its sentence, and what fills it in one language. */
export function inWords(one: Fault, language: Language): Fault & { text: string } {
  return { ...one, params: paramsIn(one, language), text: sentence(one, language) };
}

/**
 * Rows below their headings, columns as wide as their widest cell. Where a terminal is too narrow for that, each row is a block
 * of lines: broken lines cannot be read, and an id that was cut cannot be copied.
 */
export function table(headings: string[], rows: string[][], columns = Number.POSITIVE_INFINITY): string {
  const widths = headings.map((heading, at) => Math.max(heading.length, ...rows.map((row) => (row[at] ?? '').length)));
  const wide = widths.reduce((sum, width) => sum + width + 2, -2);
  if (wide > columns && rows.length > 0) return blocks(headings, rows);
  const line = (cells: string[]) =>
    cells
      .map((cell, at) => cell.padEnd(widths[at] ?? 0))
      .join('  ')
      .trimEnd();
  return `${[line(headings), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n')}\n`;
}

function blocks(headings: string[], rows: string[][]): string {
  const width = Math.max(...headings.map((one) => one.length));
  const block = (row: string[]) =>
    headings.flatMap((heading, at) => (row[at] ? [`${heading.padEnd(width)}  ${row[at]}\n`] : [])).join('');
  return rows.map(block).join('\n');
}

const paris = new Intl.DateTimeFormat('sv-SE', { timeZone: 'Europe/Paris', dateStyle: 'short', timeStyle: 'medium' });

/** Milliseconds since 1970 as people in Paris read them: `2026-03-29 03:00:00`. */
export function timeInParis(ms: number | undefined): string {
  return ms === undefined ? '' : paris.format(ms);
}

/** `1234567` → `1.2 MB`. */
export function sizeText(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  const [value, unit] = bytes < 1e6 ? [bytes / 1e3, 'kB'] : [bytes / 1e6, 'MB'];
  return `${value.toFixed(value < 10 ? 1 : 0)} ${unit}`;
}

/** Tells on stderr how far something is that takes more than a second. */
export function progress(io: Io, label: string, total: number): { step(): void; end(): void } {
  const started = performance.now();
  const everyMs = io.terminal.err ? 200 : 5000;
  let count = 0;
  let told = started + 1000 - everyMs;
  let shown = false;
  return {
    step() {
      count += 1;
      const now = performance.now();
      if (now - told < everyMs) return;
      told = now;
      shown = true;
      io.err(io.terminal.err ? `\r${label} ${count}/${total}` : `${label} ${count}/${total}\n`);
    },
    end() {
      if (shown && io.terminal.err) io.err(`\r${' '.repeat(label.length + 24)}\r`);
    },
  };
}
