import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { SchemaCompiler } from '../src/mapping/schemas.ts';
import { loadProfiles } from '../src/profile/index.ts';
import { proofOf, provenFile } from '../src/proven.ts';

const folder = new URL('../mappings/', import.meta.url);
const profiles = fileURLToPath(new URL('../profiles', import.meta.url));
const read = (name: string) => readFileSync(new URL(name, folder), 'utf8');

/** Rules by the schema they are held against. */
const rules = { 'schema-rules.json': 'rules-covid.json', 'schema-rules-access.json': 'rules-access.json' };

/**
 * The list of `src/proven.json`: every schema of `mappings/` that compiles, the rules that keep to theirs, the definitions of
 * `profiles/` together.
 */
export function provenList(): string[] {
  const compiler = new SchemaCompiler();
  const schemas = readdirSync(folder).filter((name) => /^schema-.*\.json$/.test(name));
  const sound = schemas.map((name) => {
    compiler.compile(name, JSON.parse(read(name)));
    return proofOf(read(name));
  });
  for (const [schema, file] of Object.entries(rules)) {
    const check = new Ajv2020({ allErrors: true, strict: true }).compile(JSON.parse(read(schema)));
    if (check(JSON.parse(read(file)))) sound.push(proofOf(read(schema), read(file)));
  }
  if (loadProfiles([profiles], { examine: true }).faults.length === 0) {
    const names = readdirSync(profiles).filter((name) => name.endsWith('.json'));
    sound.push(proofOf(...names.sort().map((name) => readFileSync(join(profiles, name), 'utf8'))));
  }
  return sound.sort();
}

if (import.meta.main) writeFileSync(provenFile, `${JSON.stringify(provenList(), null, 2)}\n`);
