import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { type Fault, fault } from '../errors.ts';
import type { Environment } from './environment.ts';

/**
 * Replaces every text value `${env:NAME}` and `${file:PATH}` by what it names, so that secrets stay out of the file. A
 * file's last line end is dropped. Answers the new value; what does not exist becomes a fault that names the setting.
 */
export function resolveReferences(
  value: unknown,
  environment: Environment,
  folder: string,
  faults: Fault[],
  place = '',
): unknown {
  if (typeof value === 'string') return resolveOne(value, environment, folder, faults, place);
  if (Array.isArray(value)) {
    return value.map((item, at) => resolveReferences(item, environment, folder, faults, `${place}[${at}]`));
  }
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [
      key,
      resolveReferences(item, environment, folder, faults, place ? `${place}.${key}` : key),
    ]),
  );
}

function resolveOne(text: string, environment: Environment, folder: string, faults: Fault[], place: string): string {
  const match = /^\$\{(env|file):([^}]+)\}$/.exec(text);
  if (!match) return text;
  const [, kind, name] = match as unknown as [string, string, string];
  const missing = () => {
    faults.push(fault('config-reference-missing', { params: { setting: place, reference: `${kind}:${name}` } }));
    return text;
  };
  if (kind === 'env') return environment[name] ?? missing();
  try {
    return readFileSync(resolve(folder, name), 'utf8').replace(/\r?\n$/, '');
  } catch {
    return missing();
  }
}
