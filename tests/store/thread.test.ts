import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import type { Bundle, CapabilityStatement, OperationOutcome } from '@medplum/fhirtypes';
import { LongBase64 } from '../../src/formats/fhir/long-base64.ts';
import { openStoreThread, type StoreThread } from '../../src/store/thread.ts';

let folder: string;
let store: StoreThread;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'passerelle-thread-'));
  store = await openStoreThread({
    file: join(folder, 'fhir.sqlite'),
    describe: () => ({ version: '7.7.7' }),
    validate: ({ resourceType }, profiles = []) => [
      {
        severity: 'error',
        path: resourceType,
        rule: 'r',
        message: { en: `judged in the house by ${profiles.join(' and ') || 'nothing'}` },
      },
    ],
  });
});

afterEach(async () => {
  await store.close();
  rmSync(folder, { recursive: true, force: true });
});

const send = (method: 'GET' | 'POST' | 'PUT', path: string, body?: unknown, headers?: Record<string, string>) =>
  store.endpoint.send({ method, path, body, headers });

test('answers each request with its own answer, many at a time, and keeps them over a restart', async () => {
  const answers = await Promise.all(
    Array.from({ length: 300 }, (_, at) => send('PUT', `Patient/p${at}`, { resourceType: 'Patient', id: `p${at}` })),
  );
  expect(answers.map(({ status, body }) => [status, (body as { id: string }).id])).toEqual(
    Array.from({ length: 300 }, (_, at) => [201, `p${at}`]),
  );
  await store.close();
  store = await openStoreThread({ file: join(folder, 'fhir.sqlite') });
  expect((await send('GET', 'Patient?_summary=count')).body).toMatchObject({ total: 300 });
  expect(await send('GET', 'Patient/nobody')).toMatchObject({ status: 404 });
});

test('documents come and go as their bytes', async () => {
  const bytes = new Uint8Array(100_000).map((_, at) => at % 251);
  const { headers } = await send('POST', 'Binary', bytes, { 'content-type': 'application/pdf' });
  const read = await send('GET', headers.location!.replace(/\/_history.*/, ''), undefined, { accept: '*/*' });
  expect(Buffer.compare(read.body as Uint8Array, bytes)).toBe(0);
  expect(bytes).toHaveLength(100_000);
});

test('large documents of a transaction arrive as they were, also when their base64 is none', async () => {
  const contents = [
    'QUJD'.repeat(50_000),
    `${'QUJD'.repeat(50_000)}QQ==`,
    'QUJD'.repeat(3),
    `${'QUJD'.repeat(50_000)}QR==`,
  ];
  const entry = contents.map((data, at) => ({
    resource: { resourceType: 'Binary', id: `b${at}`, contentType: 'text/plain', data },
    request: { method: 'PUT', url: `Binary/b${at}` },
  }));
  const transaction = { resourceType: 'Bundle', type: 'transaction', entry };
  const minimal = { prefer: 'return=minimal' };
  expect(await send('POST', '', transaction, minimal)).toMatchObject({ status: 200 });
  const again = (await send('POST', '', transaction, minimal)).body as Bundle;
  expect(again.entry!.map(({ response }) => response!.etag)).toEqual(contents.map(() => 'W/"1"'));
  for (const [at, data] of contents.entries()) {
    const { body } = await send('GET', `Binary/b${at}`);
    expect(Buffer.from((body as { data: string }).data, 'base64').equals(Buffer.from(data, 'base64'))).toBe(true);
  }
  expect(entry[0]!.resource.data).toBe(contents[0]);
});

test('documents that were never text arrive as they were, also one that stands in two places', async () => {
  const bytes = new Uint8Array(200_000).map((_, at) => at % 251);
  const text = Buffer.from(bytes).toString('base64');
  const twice = new LongBase64(bytes.slice());
  const entry = [twice, twice, new LongBase64(bytes, true)].map((data, at) => ({
    resource: { resourceType: 'Binary', id: `l${at}`, contentType: 'application/pdf', data },
    request: { method: 'PUT', url: `Binary/l${at}` },
  }));
  const transaction = { resourceType: 'Bundle', type: 'transaction', entry };
  expect(await send('POST', '', transaction, { prefer: 'return=minimal' })).toMatchObject({ status: 200 });
  for (const at of entry.keys()) expect((await send('GET', `Binary/l${at}`)).body).toMatchObject({ data: text });
  const alone = { resourceType: 'Binary', id: 'l0', contentType: 'application/pdf', data: new LongBase64(bytes, true) };
  expect(await send('PUT', 'Binary/l0', alone)).toMatchObject({ status: 200, headers: { etag: 'W/"1"' } });
});

test('what the house knows is said in the house', async () => {
  const capabilities = (await send('GET', 'metadata')).body as CapabilityStatement;
  expect(capabilities.software?.version).toBe('7.7.7');
  const patient = { resourceType: 'Patient', active: true };
  const alone = (await send('POST', 'Patient/$validate?profile=urn:x', patient)).body as OperationOutcome;
  expect(JSON.stringify(alone)).toContain('judged in the house by urn:x');
  const entry = [patient, { resourceType: 'Group', type: 'person', actual: true }].map((resource) => ({
    resource,
    request: { method: 'POST', url: `${resource.resourceType}/$validate` },
  }));
  const batch = (await send('POST', '', { resourceType: 'Bundle', type: 'batch', entry })).body as Bundle;
  expect(JSON.stringify(batch).match(/judged in the house by nothing/g)).toHaveLength(2);
});

test('a file that cannot be opened is said at once', async () => {
  writeFileSync(join(folder, 'broken.sqlite'), 'this is not a database, and long enough to be seen as none'.repeat(50));
  await expect(openStoreThread({ file: join(folder, 'broken.sqlite') })).rejects.toThrow(/database/);
});
