import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { loadAccessRules } from '../../src/access/porter-rules.ts';
import { openStore } from '../../src/store/index.ts';
import { type RunningGateway, startGateway } from '../e2e/running.ts';
import { compare, courseOf, environment, transactionsOf } from './differential/run.ts';

/** `ACCESS_REQUESTS=20000 npm run access` is the long form; `ACCESS_SEED` repeats a course. */
const course = courseOf(600);
const rules = loadAccessRules(fileURLToPath(new URL('../../mappings', import.meta.url)));
let gateway: RunningGateway;

beforeAll(async () => {
  const data = mkdtempSync(join(tmpdir(), 'passerelle-access-'));
  const store = openStore({ file: join(data, 'fhir.sqlite') });
  for (const body of transactionsOf(course, rules)) {
    const answer = await store.endpoint.send({ method: 'POST', path: '', body });
    if (answer.status !== 200) throw new Error(JSON.stringify(answer.body));
  }
  await store.close();
  gateway = await startGateway({ PASSERELLE_DATA: data, ...environment });
}, 300_000);
afterAll(() => gateway.remove());

test(`${course.requests} chance requests: the gateway and the slow model never differ (seed ${course.seed})`, async () => {
  const { config, url } = gateway;
  const { asked, differences } = await compare({ config, url, rules }, course);
  expect(differences.join('\n\n')).toBe('');
  expect(asked).toBe(course.requests);
}, 1_800_000);
