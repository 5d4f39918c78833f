import { linkSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
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
import type { Words } from '../errors/entry.ts';
import { fault, PasserelleError } from '../errors.ts';
import { makeFolder } from '../folder.ts';

/** Algorithms of the issuer's signatures. */
export type Algorithm = 'ES256' | 'ES384' | 'RS384';

/** The issuer's keys: the first signs, all verify, so that a new one can be put in front without interruption. */
export interface IssuerKeys {
  signing: { key: CryptoKey; kid: string; algorithm: Algorithm };
  /** Public halves only. */
  jwks: JSONWebKeySet;
}

const developmentFile = 'issuer-keys.json';
const curves: Record<string, Algorithm> = { 'P-256': 'ES256', 'P-384': 'ES384' };
/** Base64url characters of a modulus of 2048 bits; a shorter key is none. */
const shortestModulus = 342;

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
  makeFolder(data);
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
  const unusable = (reason: string | Words) => new PasserelleError(fault('key-unusable', { params: { file, reason } }));
  const found = statSync(file, { throwIfNoEntry: false });
  if (!found) throw unusable('ENOENT');
  // Windows has no such mode bits; there the folder's access list decides.
  if (platform() !== 'win32' && (found.mode & 0o077) !== 0) {
    throw new PasserelleError(fault('key-exposed', { params: { file, mode: (found.mode & 0o777).toString(8) } }));
  }
  let keys: JWK[];
  try {
    keys = (JSON.parse(readFileSync(file, 'utf8')) as JSONWebKeySet).keys;
  } catch {
    throw unusable({ fr: 'ce n’est pas du JSON, ou il est illisible', en: 'it is not JSON, or cannot be read' });
  }
  const usable = Array.isArray(keys) && keys.length > 0 && keys.every((key) => algorithmOf(key) !== undefined);
  const first = usable ? keys[0] : undefined;
  if (!first?.d) throw unusable({ fr: 'il ne contient pas une telle clé', en: 'it holds no such key' });
  const named = await Promise.all(
    keys.map(async (key) => ({ ...key, kid: key.kid ?? (await calculateJwkThumbprint(key)) })),
  );
  const algorithm = algorithmOf(first) as Algorithm;
  const key = (await importJWK(first, algorithm).catch(() => {
    throw unusable({ fr: 'sa première clé est abîmée', en: 'its first key is broken' });
  })) as CryptoKey;
  return { signing: { key, kid: named[0]?.kid as string, algorithm }, jwks: { keys: named.map(publicHalf) } };
}

/** What a key signs with; undefined for a kind that is not used here. */
function algorithmOf(key: JWK | null): Algorithm | undefined {
  if (key?.kty === 'EC') return curves[`${key.crv}`];
  return key?.kty === 'RSA' && (key.n?.length ?? 0) >= shortestModulus ? 'RS384' : undefined;
}

function publicHalf(key: JWK): JWK {
  const { kty, crv, x, y, n, e, kid } = key;
  const half = kty === 'RSA' ? { kty, n, e } : { kty, crv, x, y };
  return { ...half, kid, use: 'sig', alg: algorithmOf(key) };
}
