import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { inside } from './run.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'passerelle-cli-'));
});
afterAll(() => rm(folder, { recursive: true }));

describe('check tells at once what can be found apart', () => {
  test('a type, a port, a scope, a destination, a certificate, a map: wherever they stand', async () => {
    const file = join(folder, 'five.json');
    const mappings = join(folder, 'maps');
    await mkdir(mappings);
    await writeFile(join(mappings, 'broken.map'), 'nonsense');
    const tls = { cert: 'none.pem', key: 'none.key' };
    const settings = {
      data: 'checked',
      folders: { mappings },
      http: { listen: '127.0.0.1:99999' },
      doors: [
        { name: 'bird', type: 'pigeon' },
        { name: 'safe', type: 'mllp', listen: '127.0.0.1:0', tls },
        { name: 'Loud', type: 'mllp' },
      ],
      destinations: [{ name: 'away', type: 'nowhere' }],
      access: { clients: [{ client_id: 'gp', scopes: 'openid system/Patient.rs system/Patient.all' }] },
    };
    await writeFile(file, JSON.stringify(settings));
    const { code, out, err } = await inside(['check', '--config', file]);
    expect({ code, out }).toEqual({ code: 2, out: '' });
    for (const text of [
      'Setting http.listen: the port must be at most 65535',
      'Setting doors.bird: has the type "pigeon", and there is no such folder in src/adapters; there are care-circle,',
      'Setting doors.safe.tls.cert:',
      'Setting doors.2.name: must match',
      'Setting doors.away: has the type "nowhere"',
      'Setting access.clients.gp.scopes: "system/Patient.all" is no SMART scope',
      'File broken.map, line 1',
    ]) {
      expect(err.split(text)).toHaveLength(2);
    }
    expect(err).not.toContain('"openid"');
  });

  test('the data folder too', async () => {
    const { code, err } = await inside(['check'], {
      PASSERELLE_DATA: '/dev/null/data',
      PASSERELLE__access__clients: '[{"client_id":"a","scopes":"all"}]',
    });
    expect(code).toBe(2);
    expect(err).toContain('data-unusable');
    expect(err).toContain('"all" is no SMART scope');
  });
});
