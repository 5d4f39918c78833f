import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { Ajv } from 'ajv';
import type { DoorType } from '../../src/adapter.ts';
import { schemaFile } from '../../src/config.ts';

const adapters = new URL('../../src/adapters/', import.meta.url);
const draft = new Ajv();

test('the schema of the configuration keeps to draft 7', () => {
  expect(draft.validateSchema(JSON.parse(readFileSync(schemaFile, 'utf8')))).toBe(true);
});

test.each(readdirSync(adapters))('so does the schema of the door %s', async (name) => {
  const { door } = (await import(new URL(`${name}/index.ts`, adapters).href)) as { door: DoorType };
  if (door.configSchema) expect(draft.validateSchema(door.configSchema)).toBe(true);
});
