import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { SchemaCompiler } from '../src/mapping/schemas.ts';
import { proofOf, provenFile } from '../src/proven.ts';

const folder = new URL('../mappings/', import.meta.url);
const read = (name: string) => readFileSync(new URL(name, folder), 'utf8');

/** Rules by the schema they are held against. */
const rules = { 'schema-rules.json': 'rules-covid.json', 'schema-rules-access.json': 'rules-access.json' };

/** The list of `src/proven.json`: every schema of `mappings/` that compiles, and the rules that keep to theirs. */
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
  return sound.sort();
}

if (import.meta.main) writeFileSync(provenFile, `${JSON.stringify(provenList(), null, 2)}\n`);
