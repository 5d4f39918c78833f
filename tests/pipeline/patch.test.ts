import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Interaction } from '../../src/message.ts';
import { asUpdate } from '../../src/pipeline/patch.ts';
import { openStore, type Store } from '../../src/store/index.ts';
import { applyTo } from '../../src/store/patch.ts';

const folder = mkdtempSync(join(tmpdir(), 'passerelle-patch-'));
let store: Store;
beforeAll(async () => {
  store = openStore({ file: join(folder, 'fhir.sqlite') });
  const patient = { resourceType: 'Patient', id: 'a', meta: { source: 'urn:passerelle:message:1' }, gender: 'female' };
  await store.endpoint.send({ method: 'PUT', path: 'Patient/a', body: patient });
});
afterAll(async () => {
  await store.close();
  rmSync(folder, { recursive: true, force: true });
});

const remove = [{ op: 'remove', path: '/gender' }];
const asked = (path: string, ifMatch?: string): Interaction => ({ method: 'PATCH', path, headers: { ifMatch } });
const update = (interaction: Interaction, source = 'urn:passerelle:message:2') =>
  asUpdate(interaction, remove, source, { fhir: store.endpoint, patched: applyTo });

test('is an update of the version it was applied to', async () => {
  expect(await update(asked('Patient/a'))).toMatchObject({
    interaction: { method: 'PUT', path: 'Patient/a', headers: { ifMatch: 'W/"1"' } },
    resource: { resourceType: 'Patient', id: 'a' },
  });
  expect(await update(asked('Patient/a'))).not.toHaveProperty('resource.gender');
});

test('what this message has written already, before a crash, is not patched again', async () => {
  expect(await update(asked('Patient/a'), 'urn:passerelle:message:1')).toMatchObject({ done: { gender: 'female' } });
});

test.each([
  ['Patient/a', 'W/"9"', 'version-conflict'],
  ['Patient?gender=male', undefined, 'match-none'],
  ['Patient?', undefined, 'fhir-request-invalid'],
  ['Patient/a/_history/1', undefined, 'fhir-request-invalid'],
  ['', undefined, 'fhir-request-invalid'],
])('%s %s: %s', async (path, ifMatch, code) => {
  expect(await update(asked(path, ifMatch))).toMatchObject({ faults: [{ code }] });
});
