import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Ajv } from 'ajv';
import formats from 'ajv-formats';
import { type Environment, overrideByEnvironment } from './config/environment.ts';
import { placeOfError } from './config/json.ts';
import { problemOf } from './config/problem.ts';
import { resolveReferences } from './config/references.ts';
import { checkRules } from './config/rules.ts';
import type { Config } from './config/shape.ts';
import { touchedBy, withoutEntries } from './config/sound.ts';
import type { Words } from './errors/entry.ts';
import { type Fault, fault, isError } from './errors.ts';

export type { Environment } from './config/environment.ts';
export type { AccessConfig, ClientEntry, Config, DoorEntry, HttpConfig, TlsConfig } from './config/shape.ts';

/** Where the configuration comes from. */
export interface ConfigSource {
  environment: Environment;
  /** Working directory: paths of the environment and of defaults are relative to it. */
  cwd: string;
  /** Configuration file; PASSERELLE_CONFIG when not given, the built-in default when neither is. */
  file?: string;
}

/** `config` is there only when no fault is an error. */
export interface ConfigResult {
  config?: Config;
  /**
   * With faults: what of it is sound, entries with a fault left out and other parts that have one at their default, so that
   * more can be found. Not there when data folder, FHIR server or folders are at fault.
   */
  rest?: Config;
  /** All of them at once; warnings do not keep the program from starting. */
  faults: Fault[];
}

/** The published JSON Schema: the one place where every setting, its default and its meaning stand. */
export const schemaFile = fileURLToPath(new URL('./config.schema.json', import.meta.url));

/** Folder of the program itself, where `mappings/` and `profiles/` lie. */
const home = fileURLToPath(new URL('..', import.meta.url));

/** Reads file and environment, fills in defaults and checks everything. Never throws. */
export function loadConfig({ environment, cwd, file }: ConfigSource): ConfigResult {
  const name = file ?? (environment.PASSERELLE_CONFIG || undefined);
  const folder = name ? dirname(resolve(cwd, name)) : cwd;
  const read = name ? readConfigFile(resolve(cwd, name)) : { raw: {} };
  if ('faults' in read) return read;
  const schema = JSON.parse(readFileSync(schemaFile, 'utf8'));

  const faults: Fault[] = [];
  const raw = resolveReferences(read.raw, environment, folder, faults) as Record<string, unknown>;
  absoluteIn(raw, folder);
  faults.push(...overrideByEnvironment(raw, environment, schema.properties.doors.default));
  const misshapen = checkAgainst(schema, raw);
  const config = raw as unknown as Config;
  faults.push(...misshapen, ...checkRules(config, misshapen));
  if (!faults.some(isError)) return { config: completed(config, cwd), faults };
  const rest = restOf(config, schema, faults);
  return { faults, ...(rest ? { rest: completed(rest, cwd) } : {}) };
}

/** Folders of the program where none are named, all of them absolute. */
function completed(config: Config, cwd: string): Config {
  config.data = resolve(cwd, config.data);
  config.folders.mappings ??= resolve(home, 'mappings');
  config.folders.profiles ??= [resolve(home, 'profiles')];
  config.folders.mappings = resolve(cwd, config.folders.mappings);
  config.folders.profiles = config.folders.profiles.map((one) => resolve(cwd, one));
  return config;
}

function restOf(config: Config, schema: object, faults: Fault[]): Config | undefined {
  const touched = touchedBy(faults.filter(isError));
  const needed = ['', 'undefined', 'configuration', 'data', 'fhir', 'folders', 'journal'];
  if (needed.some((part) => touched.parts.has(part))) return undefined;
  const rest = withoutEntries(config, touched) as unknown as Record<string, unknown>;
  for (const part of touched.parts) delete rest[part];
  return checkAgainst(schema, rest).some(isError) ? undefined : (rest as unknown as Config);
}

const compiler = new Ajv({
  allErrors: true,
  useDefaults: true,
  strictTypes: false,
  strictRequired: false,
  verbose: true,
  addUsedSchema: false,
  // The schemas are ours and tests hold them against draft 7; compiling its schema of schemas at each start takes 0.1 s.
  validateSchema: false,
  code: { optimize: false },
});
formats.default(compiler);

/**
 * Checks a value against a JSON Schema and fills in the schema's defaults, in place. `place` is what the value is called
 * in the configuration (`doors.mllp`), so that each fault names its setting. Doors' own schemas are checked with it.
 */
export function checkAgainst(schema: object, value: unknown, place = ''): Fault[] {
  const valid = compiler.compile(schema);
  if (valid(value)) return [];
  return (valid.errors ?? [])
    .filter((one) => !one.schemaPath.includes('/oneOf/'))
    .map((one) => {
      const setting = [place, ...one.instancePath.split('/').slice(1)].filter(Boolean).join('.') || 'configuration';
      return fault('config-invalid', { params: { setting, problem: problemOf(one) } });
    });
}

function readConfigFile(file: string): { raw: Record<string, unknown> } | { faults: Fault[] } {
  const unreadable = (reason: string | Words) => ({
    faults: [fault('config-unreadable', { params: { file, reason } })],
  });
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    return unreadable((error as NodeJS.ErrnoException).code ?? 'unknown reason');
  }
  try {
    const raw = JSON.parse(text);
    if (typeof raw === 'object' && raw !== null && !Array.isArray(raw)) return { raw };
    return unreadable({ fr: 'il doit contenir un objet JSON', en: 'it must hold one JSON object' });
  } catch {
    const { line, column } = placeOfError(text);
    return unreadable({
      fr: `ce n’est pas du JSON valide à la ligne ${line}, colonne ${column}`,
      en: `it is not valid JSON at line ${line}, column ${column}`,
    });
  }
}

/** Paths written in the file are relative to the file. */
function absoluteIn(raw: Record<string, unknown>, folder: string): void {
  const absolute = (holder: unknown, keys: string[]) => {
    if (typeof holder !== 'object' || holder === null) return;
    const values = holder as Record<string, unknown>;
    for (const key of keys) {
      const value = values[key];
      if (typeof value === 'string' && value) values[key] = resolve(folder, value);
      else if (Array.isArray(value))
        values[key] = value.map((one) => (typeof one === 'string' ? resolve(folder, one) : one));
    }
  };
  const inside = (holder: unknown, key: string) => (holder as Record<string, unknown> | undefined)?.[key];
  const doors = [raw.doors, raw.destinations].flatMap((list) => (Array.isArray(list) ? list : []));
  absolute(raw, ['data']);
  absolute(raw.folders, ['mappings', 'profiles']);
  absolute(inside(raw.access, 'issuer'), ['keys']);
  for (const holder of [raw.http, ...doors]) absolute(inside(holder, 'tls'), ['cert', 'key', 'ca']);
}
