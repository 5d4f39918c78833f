import { linkSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { platform } from 'node:os';
import { join } from 'node:path';
import {
  type CryptoKey,
  calculateJwkThumbprint,
  exportJWK,
  generateKeyPair,
  importJWK,
  type JSONWebKeySet,
  type JWK,
} from 'jose';
import type { AccessConfig } from '../config/shape.ts';
import { fault, PasserelleError } from '../errors.ts';

/** The issuer's keys: the first signs, all verify, so that a new one can be put in front without interruption. */
export interface IssuerKeys {
  signing: { key: CryptoKey; kid: string; algorithm: 'ES256' | 'ES384' };
  /** Public halves only. */
  jwks: JSONWebKeySet;
}

const developmentFile = 'issuer-keys.json';
const algorithms: Record<string, 'ES256' | 'ES384'> = { 'P-256': 'ES256', 'P-384': 'ES384' };

/**
 * Opens the keys of the local issuer; undefined when the configuration has none. The development issuer's are made at the
 * first start. A file that others can read is refused (`key-exposed`): whoever has it makes any token.
 */
export async function openKeys(data: string, { issuer }: AccessConfig): Promise<IssuerKeys | undefined> {
  if (issuer.kind === 'none') return undefined;
  if (issuer.kind === 'own') return readKeys(issuer.keys as string);
  const file = join(data, developmentFile);
  if (!statSync(file, { throwIfNoEntry: false })) await makeKeys(data, file);
  return readKeys(file);
}

/** Two processes may start at once: the file appears complete or not at all, and the first to finish has made it. */
async function makeKeys(data: string, file: string): Promise<void> {
  const { privateKey } = await generateKeyPair('ES256', { extractable: true });
  const jwk = await exportJWK(privateKey);
  const kid = await calculateJwkThumbprint(jwk);
  mkdirSync(data, { recursive: true, mode: 0o700 });
  const draft = `${file}.${kid}`;
  writeFileSync(draft, `${JSON.stringify({ keys: [{ ...jwk, kid, use: 'sig', alg: 'ES256' }] }, null, 2)}\n`, {
    mode: 0o600,
    flag: 'wx',
  });
  try {
    linkSync(draft, file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    rmSync(draft);
  }
}

async function readKeys(file: string): Promise<IssuerKeys> {
  const unusable = (reason: string) => new PasserelleError(fault('key-unusable', { params: { file, reason } }));
  const found = statSync(file, { throwIfNoEntry: false });
  if (!found) throw unusable('it does not exist');
  // Windows has no such mode bits; there the folder's access list decides.
  if (platform() !== 'win32' && (found.mode & 0o077) !== 0) {
    throw new PasserelleError(fault('key-exposed', { params: { file, mode: (found.mode & 0o777).toString(8) } }));
  }
  let keys: JWK[];
  try {
    keys = (JSON.parse(readFileSync(file, 'utf8')) as JSONWebKeySet).keys;
  } catch {
    throw unusable('it is not JSON, or cannot be read');
  }
  const usable =
    Array.isArray(keys) && keys.length > 0 && keys.every((key) => key?.kty === 'EC' && algorithms[`${key.crv}`]);
  const first = usable ? keys[0] : undefined;
  if (!first?.d) throw unusable('it holds no such key');
  const named = await Promise.all(
    keys.map(async (key) => ({ ...key, kid: key.kid ?? (await calculateJwkThumbprint(key)) })),
  );
  const algorithm = algorithms[`${first.crv}`] as 'ES256' | 'ES384';
  const key = (await importJWK(first, algorithm).catch(() => {
    throw unusable('its first key is broken');
  })) as CryptoKey;
  return { signing: { key, kid: named[0]?.kid as string, algorithm }, jwks: { keys: named.map(publicHalf) } };
}

function publicHalf({ kty, crv, x, y, kid }: JWK): JWK {
  return { kty, crv, x, y, kid, use: 'sig', alg: algorithms[`${crv}`] };
}
