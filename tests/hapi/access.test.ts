import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { loadAccessRules } from '../../src/access/porter-rules.ts';
import { compare, courseOf, environment, transactionsOf } from '../access/differential/run.ts';
import { type RunningGateway, startGateway } from '../e2e/running.ts';
import { Hapi, whyNoHapi } from './server.ts';

const missing = whyNoHapi();
/** `ACCESS_REQUESTS=20000` is the long form, `ACCESS_SEED` repeats a course. */
const course = courseOf(300);
const rules = loadAccessRules(fileURLToPath(new URL('../../mappings', import.meta.url)));

(missing ? describe.skip : describe)('who sees what, with a real HAPI behind the gateway', () => {
  const hapi = new Hapi();
  let gateway: RunningGateway | undefined;

  beforeAll(async () => {
    await hapi.start();
    for (const body of transactionsOf(course, rules)) {
      const headers = { 'content-type': 'application/fhir+json' };
      const answer = await fetch(hapi.base, { method: 'POST', headers, body: JSON.stringify(body) });
      if (!answer.ok) throw new Error(await answer.text());
    }
    gateway = await startGateway({ PASSERELLE_FHIR: hapi.base, ...environment });
  }, 3_600_000);
  afterAll(async () => {
    await gateway?.remove();
    await hapi.remove();
  }, 60_000);

  test(`${course.requests} chance requests: gateway and model never differ (seed ${course.seed})`, async () => {
    const { config, url } = gateway!;
    const progress = (line: string) => void process.stderr.write(`access: ${line}\n`);
    const { asked, differences } = await compare({ config, url, rules }, course, { lanes: 4, progress });
    expect(differences.join('\n\n')).toBe('');
    expect(asked).toBe(course.requests);
  }, 7_200_000);
});
