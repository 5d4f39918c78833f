import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { CodeSystem, StructureDefinition } from '@medplum/fhirtypes';

const root = fileURLToPath(new URL('..', import.meta.url));

/** Where the page lies. */
export const page = join(root, 'docs', 'concepts.md');

/** One concept of the catalogue and what there is of it. */
export interface Coverage {
  number: string;
  fr: string;
  en: string;
  /** Own and restated profiles that name the concept in `keyword`. */
  profiles: StructureDefinition[];
  /** Files that claim one of those profiles: maps, routes, rules of the pathway. */
  sources: string[];
  /** Golden cases with a resource that claims one of those profiles. */
  golden: string[];
}

/** A concept is covered when a profile constrains it, something produces it, and a golden case shows it. */
export function isCovered({ profiles, sources, golden }: Coverage): boolean {
  return profiles.length > 0 && sources.length > 0 && golden.length > 0;
}

/** Read off the profiles, the maps and the golden cases as they are; nothing here is written by hand. */
export function coverage(): Coverage[] {
  const catalogue = readJson<CodeSystem>(join(root, 'profiles', 'CodeSystem-concept.json'));
  const profiles = namesIn('profiles', /^StructureDefinition-.*\.json$/).map((name) =>
    readJson<StructureDefinition>(join(root, 'profiles', name)),
  );
  const claims = goldenClaims();
  const texts = producers();
  return (catalogue.concept ?? []).map(({ code = '', display = '', designation }) => {
    const own = profiles.filter((one) => one.keyword?.some((key) => key.system === catalogue.url && key.code === code));
    const urls = own.map((one) => one.url);
    return {
      number: code,
      fr: display,
      en: designation?.find((one) => one.language === 'en')?.value ?? '',
      profiles: own,
      sources: [...texts].flatMap(([file, text]) => (urls.some((url) => claimsIn(text, url)) ? [file] : [])),
      golden: [...new Set(urls.flatMap((url) => [...(claims.get(url) ?? [])]))].sort(),
    };
  });
}

/** The url itself, or its last part where a file builds urls from it. */
function claimsIn(text: string, url: string): boolean {
  const id = url.slice(url.lastIndexOf('/') + 1);
  return [`${url}'`, `${url}"`, `'${id}'`, `/${id}\``, `}${id}\``].some((one) => text.includes(one));
}

function producers(): Map<string, string> {
  const files = [
    ...namesIn('mappings', /\.map$|^routes\.json$|^codes-.*-profile\.json$/).map((name) => join('mappings', name)),
    join('src', 'mapping', 'assemble.ts'),
    ...namesIn(join('src', 'pathway'), /\.ts$/).map((name) => join('src', 'pathway', name)),
    ...namesIn(join('src', 'identity'), /\.ts$/).map((name) => join('src', 'identity', name)),
  ];
  return new Map(files.map((file) => [file.replaceAll('\\', '/'), readFileSync(join(root, file), 'utf8')]));
}

function goldenClaims(): Map<string, Set<string>> {
  const claims = new Map<string, Set<string>>();
  for (const name of readdirSync(join(root, 'tests', 'golden')).sort()) {
    const file = join(root, 'tests', 'golden', name, 'expected.json');
    if (!existsSync(file)) continue;
    for (const [, list = ''] of readFileSync(file, 'utf8').matchAll(/"profile": \[([^\]]*)\]/g)) {
      for (const [, url = ''] of list.matchAll(/"([^"]+)"/g)) claims.set(url, (claims.get(url) ?? new Set()).add(name));
    }
  }
  return claims;
}

function namesIn(folder: string, pattern: RegExp): string[] {
  return readdirSync(join(root, folder))
    .filter((name) => pattern.test(name))
    .sort();
}

function readJson<T>(file: string): T {
  return JSON.parse(readFileSync(file, 'utf8')) as T;
}

/** The coverage as a page, `npm run docs`. */
export function conceptsPage(): string {
  const list = coverage();
  const covered = list.filter(isCovered);
  const rows = list.map((one) => {
    const profiles = one.profiles.map(
      ({ id, type }) => `[${id}](../profiles/StructureDefinition-${id}.json) (${type})`,
    );
    const sources = one.sources.map((file) => `[${file.split('/').at(-1)}](../${file})`);
    const golden = one.golden.slice(0, 3).map((name) => `[${name}](../tests/golden/${name}/expected.json)`);
    const more = one.golden.length > 3 ? ` +${one.golden.length - 3}` : '';
    const mark = isCovered(one) ? '✓' : '–';
    return `| ${one.number} | ${mark} | ${one.fr} · ${one.en} | ${profiles.join(', ')} | ${sources.join(', ')} | ${golden.join(', ')}${more} |`;
  });
  const missing = list.filter((one) => !isCovered(one)).map((one) => one.number);
  return `# Concepts

The catalogue of what COVISAN and COVIDOM mean: for each concept the profiles that constrain it, what produces it, and the golden
cases that show it. **${covered.length} of ${list.length}** have all three${missing.length > 0 ? `; not yet: ${missing.join(', ')}` : ''}. Written by \`npm run docs\` from \`profiles/\`
(\`keyword\`), \`mappings/\` and \`tests/golden/\`; a test compares.

| # | | concept | profiles | produced by | golden cases |
|---|---|---|---|---|---|
${rows.join('\n')}
`;
}

if (import.meta.main) writeFileSync(page, conceptsPage());
