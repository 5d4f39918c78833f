import { existsSync, readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type Browser, chromium } from 'playwright-core';
import { freePort, writeConfig } from '../access/launch-house.ts';
import { type FakePsc, secret, startPsc } from '../access/psc.ts';
import { type RunningGateway, startGateway } from '../e2e/running.ts';

const executablePath = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(existsSync);
const library = readFileSync(
  fileURLToPath(new URL('../../node_modules/fhirclient/build/fhir-client.js', import.meta.url)),
);
if (!executablePath) console.warn('skipped: no chromium here (apt-get install chromium)');

/** GP software of which we have written nothing but this: SMART's own JavaScript library does the rest. */
const page = (script: string) =>
  `<!doctype html><title>waiting</title><script src="/fhir-client.js"></script><script>${script}</script>`;

let app: Server;
let origin: string;
let gateway: RunningGateway;
let psc: FakePsc;
let browser: Browser | undefined;

beforeAll(async () => {
  if (!executablePath) return;
  app = createServer((request, response) => {
    const path = (request.url ?? '').split('?')[0];
    response.setHeader('content-type', path === '/fhir-client.js' ? 'text/javascript' : 'text/html');
    if (path === '/fhir-client.js') response.end(library);
    else if (path === '/launch.html') {
      const asked = {
        clientId: 'gp-software',
        scope: 'openid fhirUser launch/patient offline_access patient/*.rs user/*.rs',
        redirectUri: `${origin}/index.html`,
        iss: `${gateway.url}/fhir/R4`,
        pkceMode: 'required',
      };
      response.end(page(`FHIR.oauth2.authorize(${JSON.stringify(asked)})`));
    } else {
      response.end(
        page(`FHIR.oauth2.ready().then(async (client) => {
        const patient = await client.patient.read();
        const plans = await client.request('CarePlan?patient=' + client.patient.id);
        await client.refresh();
        const again = await client.patient.read();
        document.title = [patient.name[0].family, plans.total, again.id, client.getFhirUser().split('/').pop()].join(' ');
      }).catch((error) => { document.title = 'failed: ' + error.message; })`),
      );
    }
  });
  await new Promise<void>((resolve) => app.listen(0, '127.0.0.1', resolve));
  origin = `http://127.0.0.1:${(app.address() as AddressInfo).port}`;
  const port = await freePort();
  const base = `http://127.0.0.1:${port}`;
  psc = await startPsc(`${base}/oauth2/callback`);
  const config = writeConfig({
    http: { listen: `127.0.0.1:${port}`, publicUrl: base },
    access: {
      login: { issuer: psc.issuer, clientId: 'passerelle', clientSecret: secret },
      clients: [
        {
          client_id: 'gp-software',
          name: 'Logiciel fictif',
          scopes: 'openid fhirUser launch/patient offline_access patient/*.rs user/*.rs',
          redirect_uris: [`${origin}/index.html`],
        },
      ],
    },
  });
  gateway = await startGateway({ PASSERELLE_CONFIG: config, PASSERELLE_HTTP: `127.0.0.1:${port}` });
  const machine = await gateway.token('machine');
  const subject = { reference: 'Patient/mine' };
  for (const one of [
    {
      resourceType: 'Practitioner',
      id: 'gp',
      identifier: [{ system: 'https://rpps.esante.gouv.fr', value: '10000000001' }],
    },
    {
      resourceType: 'Patient',
      id: 'mine',
      name: [{ family: 'DEDANS' }],
      generalPractitioner: [{ reference: 'Practitioner/gp' }],
    },
    { resourceType: 'Patient', id: 'other', name: [{ family: 'DEHORS' }] },
    { resourceType: 'CarePlan', id: 'plan', status: 'active', intent: 'plan', subject },
  ]) {
    await fetch(`${gateway.url}/fhir/R4/${one.resourceType}/${one.id}`, {
      method: 'PUT',
      headers: { authorization: `Bearer ${machine}`, 'content-type': 'application/fhir+json' },
      body: JSON.stringify(one),
    });
  }
  browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
}, 120_000);

afterAll(async () => {
  await browser?.close();
  await gateway?.remove();
  await psc?.close();
  app?.closeAllConnections();
  app?.close();
});

(executablePath ? test : test.skip)(
  'fhirclient in a real browser: launch, choice of the patient, reading, refresh',
  async () => {
    const tab = await (browser as Browser).newPage();
    const errors: string[] = [];
    tab.on('pageerror', (error) => errors.push(error.message));
    await tab.goto(`${origin}/launch.html`);
    await tab.getByRole('button', { name: 'DEDANS' }).waitFor({ timeout: 30_000 });
    expect(await tab.content()).not.toContain('DEHORS');
    await tab.getByRole('button', { name: 'DEDANS' }).click();
    await tab.waitForFunction(
      "document.title !== 'waiting' && location.port === new URL(document.baseURI).port && location.pathname === '/index.html' && document.title !== ''",
      undefined,
      { timeout: 30_000 },
    );
    expect(await tab.title()).toBe('DEDANS 1 mine gp');
    expect(errors).toEqual([]);
  },
  120_000,
);
