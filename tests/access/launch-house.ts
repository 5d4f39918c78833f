import { mkdtempSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A port nobody listens on just now: addresses that must be known before the listener starts need one. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Writes a configuration file and answers its name. */
export function writeConfig(config: object): string {
  const file = join(mkdtempSync(join(tmpdir(), 'passerelle-config-')), 'config.json');
  writeFileSync(file, JSON.stringify(config));
  return file;
}
