import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { mintToken } from '../../src/access/index.ts';
import { type RunningGateway, startGateway, until } from '../e2e/running.ts';

const root = join(import.meta.dirname, '..', '..');
const folder = mkdtempSync(join(tmpdir(), 'passerelle-rules-'));
const mappings = join(folder, 'mappings');
const file = join(mappings, 'rules-access.json');
const original = readFileSync(join(root, 'mappings', 'rules-access.json'), 'utf8');
/** The same rules under another version, without what opens records to general practitioners. */
const narrower = () => {
  const rules = JSON.parse(original) as { rules: { if: string[] }[] };
  const kept = rules.rules.filter((one) => !one.if.includes('general-practitioner'));
  return JSON.stringify({ ...rules, version: '99.0.0', rules: kept });
};

let gateway: RunningGateway;
let person: string;
beforeAll(async () => {
  cpSync(join(root, 'mappings'), mappings, { recursive: true });
  const config = join(folder, 'config.json');
  writeFileSync(config, JSON.stringify({ folders: { mappings, profiles: [join(root, 'profiles')] } }));
  gateway = await startGateway({ PASSERELLE_CONFIG: config, PASSERELLE_DATA: join(folder, 'data') });
  const practitioner = '10000000071';
  const minted = await mintToken(gateway.config, { clientId: 'practice', scope: 'user/*.rs', practitioner });
  person = `Bearer ${minted}`;
  const rpps = [{ system: 'https://rpps.esante.gouv.fr', value: practitioner }];
  const put = (resource: { resourceType: string; id: string }) => ({
    resource,
    request: { method: 'PUT', url: `${resource.resourceType}/${resource.id}` },
  });
  const entry = [
    put({ resourceType: 'Practitioner', id: 'gp', identifier: rpps } as never),
    put({ resourceType: 'Patient', id: 'p', generalPractitioner: [{ reference: 'Practitioner/gp' }] } as never),
  ];
  const body = { resourceType: 'Bundle', type: 'transaction', entry };
  const { status } = await gateway.post('/fhir/R4', body, { 'content-type': 'application/fhir+json' });
  expect(status).toBe(200);
});
afterAll(async () => {
  await gateway.remove();
  rmSync(folder, { recursive: true, force: true });
});

const seen = async () =>
  (await fetch(`${gateway.url}/fhir/R4/Patient/p`, { headers: { authorization: person } })).status;
const logged = (text: string) => gateway.lines.filter((line) => line.includes(text)).length;
const changes = async () => {
  const { body } = await gateway.get('/fhir/R4/AuditEvent?date=ge2020-01-01&date=lt2100-01-01&_count=1000');
  const events = body.entry.map((one: { resource: unknown }) => one.resource);
  return events.filter((one: { type: { code: string } }) => one.type.code === '110113');
};

test('rules of access hold as soon as they are written, mistakes leave those in use, the audit tells of each change', async () => {
  expect([await seen(), await changes()]).toEqual([200, []]);

  writeFileSync(file, narrower());
  await until(async () => (await seen()) === 404);
  const [event, ...more] = await changes();
  expect(more).toEqual([]);
  expect(event).toMatchObject({
    action: 'U',
    subtype: [{ code: '110129' }],
    entity: [{ name: 'rules-access.json 99.0.0' }],
  });

  for (const [at, broken] of ['{oops', JSON.stringify({ ...JSON.parse(original), rules: [{ id: 'all' }] })].entries()) {
    writeFileSync(file, broken);
    await until(async () => logged('rules of access not loaded anew') > at);
    expect(await seen()).toBe(404);
  }

  writeFileSync(file, original);
  await until(async () => (await seen()) === 200);
  expect(await changes()).toHaveLength(2);
});

test('a mistake in a map does not keep a tighter rule from holding', async () => {
  writeFileSync(join(mappings, 'covidom-daily.map'), 'map oops');
  writeFileSync(file, narrower());
  await until(async () => (await seen()) === 404);
  expect(logged('maps or profiles have faults')).toBeGreaterThan(0);
});
