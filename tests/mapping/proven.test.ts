import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { provenList } from '../../scripts/proven.ts';
import { SchemaCompiler } from '../../src/mapping/schemas.ts';
import { isProven, provenFile } from '../../src/proven.ts';

test('src/proven.json lists every schema and rule that is sound: run `npm run docs`', () => {
  expect(JSON.parse(readFileSync(provenFile, 'utf8'))).toEqual(provenList());
});

test('one byte more is another text', () => {
  const schema = readFileSync(new URL('../../mappings/schema-rules.json', import.meta.url), 'utf8');
  expect(isProven(schema)).toBe(true);
  expect(isProven(`${schema} `)).toBe(false);
  expect(isProven(schema, '')).toBe(false);
});

test('a schema compiled by its first payload says what one compiled at once says', () => {
  const file = new URL('../../mappings/schema-covidom-daily.json', import.meta.url);
  const schema = JSON.parse(readFileSync(file, 'utf8'));
  const compiler = new SchemaCompiler();
  const [early, late] = [compiler.compile('daily', schema), compiler.compileLater('daily', schema)];
  for (const payload of [{}, { patient: 1 }, []]) expect(late.check(payload)).toEqual(early.check(payload));
  expect(early.check({})).not.toEqual([]);
});
