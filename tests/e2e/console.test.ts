import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import ts from 'typescript';
import { type RunningGateway, startGateway, until } from './running.ts';

const root = join(import.meta.dirname, '..', '..');
const pages = join(root, 'src', 'web', 'console');
const form = JSON.parse(readFileSync(join(root, 'tests/golden/covidom-daily-unknown-code/input.json'), 'utf8'));

let gateway: RunningGateway;
let message: string;
beforeAll(async () => {
  gateway = await startGateway();
  const answer = await gateway.post('/in/telemonitoring/covidom?wait=20', form);
  expect(answer.body.state).toBe('delivered');
  message = answer.body.id;
});
afterAll(() => gateway.remove());

const as = async (scope: string, path: string, method = 'GET') => {
  const authorization = `Bearer ${await gateway.token('somebody', scope)}`;
  return fetch(`${gateway.url}${path}`, { method, headers: { authorization } });
};

describe('the pages', () => {
  test('need no token, run only their own scripts, and are never a path into the house', async () => {
    const moved = await fetch(`${gateway.url}/console`, { redirect: 'manual' });
    expect([moved.status, moved.headers.get('location')]).toEqual([308, '/console/']);
    const page = await fetch(`${gateway.url}/console/`);
    expect(page.status).toBe(200);
    expect(page.headers.get('content-security-policy')).toContain("script-src 'self'");
    expect(await page.text()).not.toMatch(/<script(?![^>]*src=)|style=|\son\w+="/);
    for (const path of ['..%2fconsole.ts', '%2e%2e/app.ts', 'tsconfig.json', 'nothing.ts', 'main.ts/', 'constructor']) {
      const answer = await fetch(`${gateway.url}/console/${path}`);
      expect([path, [401, 404].includes(answer.status)]).toEqual([path, true]);
    }
  });

  test('every module arrives as plain JavaScript, and all it imports is there', async () => {
    for (const name of readdirSync(pages).filter((one) => one.endsWith('.ts'))) {
      const answer = await fetch(`${gateway.url}/console/${name}`);
      expect(answer.headers.get('content-type')).toMatch(/^text\/javascript/);
      const text = await answer.text();
      const { diagnostics } = ts.transpileModule(text, { fileName: `${name}.js`, reportDiagnostics: true });
      expect([name, diagnostics]).toEqual([name, []]);
      for (const [, imported] of text.matchAll(/^import .* from '([^']+)'/gm)) {
        expect(readdirSync(pages).map((one) => `./${one}`)).toContain(imported);
      }
    }
  });
});

describe('what the pages ask', () => {
  test('where an element came from, for whoever may read the resource', async () => {
    const [{ resource }] = (await gateway.get('/fhir/R4/Observation?code=59408-5')).body.entry;
    const { body } = await gateway.get(`/explain/Observation/${resource.id}?path=valueQuantity`);
    expect(body.message).toBe(message);
    expect(body.elements[0]).toMatchObject({ path: 'valueQuantity', map: 'programme-readings' });
    expect(body.elements[0].place).toMatch(/^\/measures\//);
    expect((await as('system/Observation.r', `/explain/Observation/${resource.id}`)).status).toBe(200);
    expect((await as('system/Patient.r', `/explain/Observation/${resource.id}`)).status).toBe(403);
    expect((await gateway.get('/explain/Observation/none')).status).toBe(404);
  });

  test('the codes that no table translates, with their place and a message, for operators', async () => {
    const { body } = await gateway.get('/unmapped');
    expect(body.codes[0]).toMatchObject({ sender: 'test', count: 1, lastMessageId: message });
    expect(body.codes[0].place).toBeTruthy();
    expect((await as('system/Observation.cruds', '/unmapped')).status).toBe(403);
  });

  test('a replay, for operators; it writes nothing a second time', async () => {
    const before = (await gateway.get('/fhir/R4/Observation?_summary=count')).body.total;
    expect((await as('system/AuditEvent.rs', `/messages/${message}/replay`, 'POST')).status).toBe(403);
    const answer = await gateway.post(`/messages/${message}/replay`, '');
    expect([answer.status, answer.body]).toEqual([202, { id: message, replayed: 1 }]);
    await until(async () => (await gateway.get(`/messages/${message}`)).body.state === 'delivered');
    expect((await gateway.get(`/messages/${message}`)).body.attempts).toBe(2);
    expect((await gateway.get('/fhir/R4/Observation?_summary=count')).body.total).toBe(before);
    expect((await gateway.post('/messages/nothing/replay', '')).status).toBe(404);
  });
});
