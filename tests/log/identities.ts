import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const tests = join(import.meta.dirname, '..');

/**
 * Names, numbers, addresses and days of birth of the people the tests are about: those of every Patient and RelatedPerson a golden
 * case ends in, and those the tests' own sources write down.
 */
export function identitiesOfTests(): Set<string> {
  const found = new Set<string>();
  for (const path of files(tests, /^expected.*\.json$/)) collect(JSON.parse(readFileSync(path, 'utf8')), false, found);
  for (const path of files(tests, /\.(ts|hl7|json|xml)$/)) inSource(readFileSync(path, 'utf8'), found);
  return new Set([...found].map((one) => one.trim()).filter(tells));
}

/** Lines that name one of these, as whole words; errors' own texts at `debug` may, and stand in no operator's log. */
export function linesThatTell(lines: string[], identities: Set<string>): string[] {
  const words = [...identities].map((one) => one.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('|');
  const any = new RegExp(`(?<![\\p{L}\\p{N}])(${words})(?![\\p{L}\\p{N}])`, 'u');
  return lines.filter((one) => !/"level":"(debug|trace)"/.test(one) && any.test(one));
}

function files(folder: string, name: RegExp): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((one) => one.isFile() && name.test(one.name))
    .map((one) => join(one.parentPath, one.name));
}

/** Short words and numbers are everywhere; a year alone is nobody. */
function tells(text: string): boolean {
  return /^[\d.-]+$/.test(text) ? text.length >= 6 : text.length >= 4;
}

const ofPersons = new Set(['Patient', 'RelatedPerson']);
const telling = new Set(['family', 'given', 'line', 'birthDate', 'value']);

function collect(node: unknown, inPerson: boolean, found: Set<string>, name = ''): void {
  if (typeof node === 'string' && inPerson && telling.has(name)) found.add(node);
  if (Array.isArray(node)) for (const one of node) collect(one, inPerson, found, name);
  else if (typeof node === 'object' && node !== null) {
    const { resourceType } = node as { resourceType?: string };
    const here = resourceType === undefined ? inPerson : ofPersons.has(resourceType);
    for (const [key, value] of Object.entries(node)) collect(value, here, found, key);
  }
}

function inSource(text: string, found: Set<string>): void {
  for (const [, name] of text.matchAll(/\b(?:family|nom|nomNaissance)["']?: ?["']([^"'\n]+)["']/g)) found.add(name!);
  for (const [, name] of text.matchAll(/<family[^>]*>([^<]+)</g)) found.add(name!);
  for (const [segment] of text.matchAll(/\bPID\|[^\n\r`]+/g)) {
    const [, , , identifiers = '', , names = ''] = segment.split('|');
    for (const one of [...identifiers.split('~'), ...names.split('~')]) found.add(one.split('^')[0]!);
  }
  // A number of the social security, thirteen digits and a key or none.
  for (const [number] of text.matchAll(/(?<!\d)[1-8]\d{12}(?:\d{2})?(?!\d)/g)) found.add(number);
}
