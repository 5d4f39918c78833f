import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { until } from '../e2e/running.ts';
import { inside } from './run.ts';

const bin = fileURLToPath(new URL('../../bin/passerelle.mjs', import.meta.url));

const inclusion = fileURLToPath(new URL('../golden/covisan-inclusion/input.json', import.meta.url));

let data: string;
let gateway: ChildProcess;
let url: string;
const lines: Record<string, unknown>[] = [];
let errors = '';

/** The gateway as an operator runs it: a process of its own, ports that are free, an empty data folder. */
beforeAll(async () => {
  data = join(await mkdtemp(join(tmpdir(), 'passerelle-start-')), 'data');
  gateway = await started(data);
  url = String(lines.at(-1)?.url);
});
afterAll(async () => {
  gateway.kill('SIGKILL');
  await rm(join(data, '..'), { recursive: true, force: true });
});

const ports = { PASSERELLE_HTTP: '127.0.0.1:0', PASSERELLE_MLLP: '127.0.0.1:0' };
const environmentOf = (folder: string) => ({ PATH: process.env.PATH, PASSERELLE_DATA: folder, ...ports });

/** What a gateway says when it listens; each line it says goes to `told`. */
async function listening(child: ChildProcess, told: (line: Record<string, unknown>) => void): Promise<string> {
  const output = createInterface({ input: child.stdout! });
  return new Promise((resolve, reject) => {
    output.on('line', (text) => {
      const line = JSON.parse(text);
      told(line);
      if (line.msg === 'listening') resolve(line.url);
    });
    child.once('exit', () => reject(new Error(`the gateway did not start: ${errors}`)));
  });
}

/** A process over a data folder, once it listens; what it says goes into `lines` and `errors`. */
async function started(folder: string): Promise<ChildProcess> {
  const child = spawn(process.execPath, [bin, 'start'], { env: environmentOf(folder) });
  child.stderr.on('data', (chunk) => {
    errors += chunk;
  });
  await listening(child, (line) => void lines.push(line));
  return child;
}

const isThere = (at: string) =>
  fetch(`${at}/health`).then(
    () => true,
    () => false,
  );

const run = (...args: string[]) => inside(args, { PASSERELLE_DATA: data });
const observation = {
  resourceType: 'Observation',
  status: 'final',
  code: { coding: [{ system: 'http://loinc.org', code: '72514-3' }] },
  subject: { display: 'nobody in particular' },
  effectiveDateTime: '2026-01-15',
  valueInteger: 2,
};

describe('a gateway that runs', () => {
  let reference: string;
  let id: string;

  test('says which ports it got, and is ready', async () => {
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:[1-9]\d*$/);
    expect(JSON.stringify(lines.at(-1)?.addresses)).toMatch(/127\.0\.0\.1:[1-9]\d*/);
    expect((await fetch(`${url}/ready`)).status).toBe(200);
  });

  test('keeps its files to itself', async () => {
    expect((await stat(data)).mode & 0o077).toBe(0);
    expect((await stat(join(data, 'fhir.sqlite'))).mode & 0o077).toBe(0);
  });

  test('lets in who has a token of its data folder', async () => {
    const token = (await run('token', '--client', 'tester')).out.trim();
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/fhir+json' };
    const answer = await fetch(`${url}/in/fhir?wait=20`, {
      method: 'POST',
      headers,
      body: JSON.stringify(observation),
    });
    expect(answer.status).toBe(200);
    const body = (await answer.json()) as { id: string; state: string; references: string[] };
    expect(body.state).toBe('delivered');
    id = body.id;
    reference = body.references.find((one) => one.startsWith('Observation/')) ?? '';
    expect((await fetch(`${url}/fhir/R4/${reference}`, { headers })).status).toBe(200);
    expect((await fetch(`${url}/fhir/R4/${reference}`)).status).toBe(401);
  });

  test('explains where an element came from', async () => {
    const { code, out } = await run('explain', reference, 'code', '--gateway', url, '--json');
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ resource: reference, message: id, elements: [{ path: 'code' }] });
    expect((await run('explain', 'Patient/nobody', '--gateway', url)).code).toBe(1);
  });

  test('writes a partner’s form and a report of what came in', async () => {
    const { code, out } = await run('send', 'http', inclusion, '--vendor', 'covisan-inclusion', '--to', url, '--json');
    expect([code, out]).toEqual([0, expect.stringContaining('202')]);
    const token = (await run('token', '--client', 'tester')).out.trim();
    const search = `${url}/fhir/R4/ServiceRequest?code=inclusion`;
    const request = await until(async () => {
      const answer = await fetch(search, { headers: { authorization: `Bearer ${token}` } });
      return ((await answer.json()) as { entry?: { resource: { id: string } }[] }).entry?.[0]?.resource.id;
    });
    const written = await run('form', `ServiceRequest/${request}`, '--name', 'covisan-inclusion', '--gateway', url);
    expect(written.code).toBe(0);
    expect(JSON.parse(written.out)).toMatchObject({ form: 'covisan-inclusion', patient: { birthName: 'VALMONT' } });
    const report = await run('report', '--csv', '--from', '2020-11-01', '--to', '2020-11-20', '--gateway', url);
    expect(report.out).toMatch(/^2020-11-01;2020-11-20;Patients inclus;.*;1\r?$/m);
    expect((await run('report', '--gateway', 'http://127.0.0.1:1')).code).toBe(3);
  });

  test('says of a patient who is not there that it is the patient', async () => {
    const { code, err } = await run('access', '--client', 'x', '--patient', '1');
    expect([code, err]).toEqual([
      1,
      expect.stringContaining('error patient-not-one: The FHIR server has no such patient'),
    ]);
  });

  test('takes a message up again without writing it twice', async () => {
    const { code, out } = await run('replay', id, '--wait', '20', '--json');
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ replayed: 1, messages: [{ id, before: 'delivered', after: 'delivered' }] });
    const token = (await run('token', '--client', 'tester')).out.trim();
    const found = await fetch(`${url}/fhir/R4/Observation?code=72514-3&_summary=count`, {
      headers: { authorization: `Bearer ${token}` },
    });
    expect(await found.json()).toMatchObject({ total: 1 });
  });

  test('copies its data while it runs, and another takes the copy up', async () => {
    const copy = join(data, '..', 'copy');
    const { code, out } = await run('backup', copy, '--json');
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ folder: copy });
    expect((await stat(join(copy, 'issuer-keys.json'))).mode & 0o077).toBe(0);
    expect((await run('backup', copy)).code).toBe(2);

    const second = await started(copy);
    const address = String(lines.pop()?.url);
    const token = (await inside(['token', '--client', 'tester'], { PASSERELLE_DATA: copy })).out.trim();
    const headers = { authorization: `Bearer ${token}` };
    const found = await fetch(`${address}/fhir/R4/${reference}`, { headers });
    expect(await found.json()).toMatchObject({ resourceType: 'Observation', valueInteger: 2 });
    expect(await (await fetch(`${address}/messages/${id}`, { headers })).json()).toMatchObject({ state: 'delivered' });
    const ended = once(second, 'exit');
    second.kill('SIGTERM');
    await ended;
  });

  test('ends at SIGTERM with 0, having said nothing on stderr', async () => {
    const ended = once(gateway, 'exit');
    gateway.kill('SIGTERM');
    expect(await ended).toEqual([0, null]);
    expect(lines.slice(-2).map((line) => line.msg)).toEqual(['stopping', 'stopped']);
    expect(errors).toBe('');
  });
});

test('started by npm it stops when npm is ended, though the shell between them tells it nothing', async () => {
  const env = { ...environmentOf(join(data, '..', 'below-npm')), npm_lifecycle_event: 'start' };
  // A group of its own, so that nothing stays behind when this fails.
  const shell = spawn('sh', ['-c', `'${process.execPath}' '${bin}' start; true`], { env, detached: true });
  try {
    const at = await listening(shell, () => undefined);
    expect(await isThere(at)).toBe(true);
    shell.kill('SIGTERM');
    await until(async () => ((await isThere(at)) ? undefined : true));
  } finally {
    endGroup(shell.pid!);
  }
});

/** Ends what is left of a process group; mostly nothing is. */
function endGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
