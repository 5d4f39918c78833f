import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';
import { loadConfig } from '../../src/config.ts';

test('the configuration of the containers is one, once the files of its folder tls are there', () => {
  const folder = mkdtempSync(join(tmpdir(), 'passerelle-docker-'));
  const file = join(folder, 'config.json');
  cpSync(fileURLToPath(new URL('../../docker/config.json', import.meta.url)), file);
  const environment = { PASSERELLE_HTTP: '0.0.0.0:8080', PASSERELLE_MLLP: '0.0.0.0:2575', PASSERELLE_DATA: folder };
  const load = () => loadConfig({ environment, cwd: folder, file }).faults.map((one) => one.code);
  expect(load()).toContain('config-reference-missing');
  mkdirSync(join(folder, 'tls'));
  for (const name of ['server.pem', 'server.key', 'partners.pem']) writeFileSync(join(folder, 'tls', name), '');
  expect(load()).toEqual([]);
  rmSync(folder, { recursive: true });
});
