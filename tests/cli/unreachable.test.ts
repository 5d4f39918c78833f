import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { inside, passerelle } from './run.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'passerelle-cli-'));
});
afterAll(() => rm(folder, { recursive: true }));

describe('a data folder that cannot be made is told with the reason and what to do', () => {
  test.each([
    ['/proc/nope/data', '/proc/nope: ENOENT, no folder can be made there'],
    ['/dev/null/data', '/dev/null: ENOTDIR, it is not a folder'],
  ])('%s', async (data, reason) => {
    const environment = { PASSERELLE_DATA: data, PASSERELLE_HTTP: '127.0.0.1:0', PASSERELLE_MLLP: '127.0.0.1:0' };
    // A process of its own: what this is about is a thread that never comes back.
    for (const args of [['start'], ['token', '--client', 'x']]) {
      const { code, out, err } = await passerelle(args, { environment });
      expect({ code, out }).toEqual({ code: 2, out: '' });
      expect(err).toContain(`error data-unusable: The data folder ${data} cannot be made (${reason}). Name another by`);
    }
  });
});

describe('what cannot be reached is 3', () => {
  test.each([
    [['convert', 'none.xml'], 'file-unreadable'],
    [['validate', 'none'], 'file-unreadable'],
    [['backup', 'copy'], 'journal-absent'],
    [['messages'], 'journal-absent'],
    [['message', 'x'], 'journal-absent'],
    [['replay', 'x'], 'journal-absent'],
    [['unmapped'], 'journal-absent'],
    [['explain', 'Patient/1', '--gateway', 'http://127.0.0.1:1'], 'journal-absent'],
    [['report', '--gateway', 'http://127.0.0.1:1'], 'server-unreachable'],
    [['form', 'Patient/1', '--gateway', 'http://127.0.0.1:1'], 'server-unreachable'],
    [['audit', 'verify'], 'audit-absent'],
    [['send', 'mllp', 'none.hl7'], 'file-unreadable'],
  ])('%j', async (args, code) => {
    const ran = await inside(args, { PASSERELLE_DATA: join(folder, 'nowhere') }, folder);
    expect(ran.code).toBe(3);
    expect(ran.err).toContain(`error ${code}:`);
    expect(await readdir(folder)).not.toContain('nowhere');
  });
});

test('which journal it was is said, and which setting names another', async () => {
  const data = join(folder, 'nowhere');
  const { err } = await inside(['messages'], { PASSERELLE_DATA: data });
  expect(err).toContain(`There is no journal in ${data} yet. Start the gateway once`);
  expect(err).toContain('PASSERELLE_DATA (or `data` in the configuration)');
  const audit = await inside(['audit', 'verify', '--lang', 'fr'], { PASSERELLE_DATA: data });
  expect(audit.err).toMatch(/^erreur audit-absent : Il n’y a pas encore de journal d’accès dans .* PASSERELLE_DATA/);
});

test('an access log that is none, a folder that is a file', async () => {
  const data = join(folder, 'spoilt');
  await mkdir(data);
  await writeFile(join(data, 'audit.sqlite'), 'this is not a database, however long one looks at it');
  const { code, err } = await inside(['audit', 'verify'], { PASSERELLE_DATA: data });
  expect(code).toBe(3);
  expect(err).toContain(`error file-unreadable: The file ${join(data, 'audit.sqlite')} cannot be read (file is not a`);
  const copy = await inside(['backup', join(data, 'audit.sqlite')], { PASSERELLE_DATA: data });
  expect(copy.code).toBe(2);
  expect(copy.err).toContain('Not a folder: ');
});

describe('a gateway that does not answer is 3, with its address and what to do', () => {
  const ask = [['report'], ['form', 'Patient/1'], ['send', 'http', 'x.json']];
  const environment = (listen: string) => ({ PASSERELLE_DATA: join(folder, 'asking'), PASSERELLE_HTTP: listen });

  test.each(ask)('%s %s', async (...args) => {
    await writeFile(join(folder, 'x.json'), '{}');
    const given = args.filter((one) => one !== undefined);
    const free = await inside(given, environment('127.0.0.1:0'), folder);
    expect(free.code).toBe(3);
    expect(free.err).toMatch(
      /PASSERELLE_HTTP \(http.listen\) is 127.0.0.1:0: which port .* Give it by --(gateway|to) URL/,
    );
    const closed = `127.0.0.1:${await freePort()}`;
    const nobody = await inside(given, environment(closed), folder);
    expect(nobody.code).toBe(3);
    expect(nobody.err).toContain(
      `http://${closed} does not answer (ECONNREFUSED, nobody listens there). Check the address and that the server`,
    );
  });

  test('nor does something else that listens there', async () => {
    const other = createServer((request, response) => {
      response.statusCode = request.url?.includes('Task') ? 401 : 200;
      response.end('<html>hello</html>');
    });
    const url = await new Promise<string>((resolve) => {
      other.listen(0, '127.0.0.1', () => resolve(`http://127.0.0.1:${(other.address() as AddressInfo).port}`));
    });
    const form = await inside(['form', 'Patient/1', '--gateway', url], environment('127.0.0.1:0'));
    expect(form.code).toBe(3);
    expect(form.err).toContain('200: what answers is no gateway');
    const report = await inside(['report', '--table', '--gateway', url, '--lang', 'fr'], environment('127.0.0.1:0'));
    expect(report.code).toBe(3);
    other.close();
  });

  test('an address that is none is wrong usage', async () => {
    const { code, err } = await inside(['report', '--gateway', 'localhost:8080'], environment('127.0.0.1:0'));
    expect([code, err]).toEqual([2, expect.stringContaining('--gateway: expected http(s)://host:port')]);
  });

  test('send mllp to port 0', async () => {
    const { code, err } = await inside(['send', 'mllp', 'x.json'], { PASSERELLE_MLLP: '127.0.0.1:0' }, folder);
    expect([code, err]).toEqual([3, expect.stringContaining('PASSERELLE_MLLP is 127.0.0.1:0')]);
  });
});

/** A port on which nobody listens any more. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
