#!/usr/bin/env node
// Runs src/main.ts on Node 24 or newer. npm puts the right Node into node_modules/.bin (optionalDependencies); when this
// file was started by an older one, it starts itself again with that Node, and says what to do where there is none.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import * as modules from 'node:module';
import { fileURLToPath } from 'node:url';

const major = Number(process.versions.node.split('.')[0]);
if (major >= 24) {
  // What was compiled once is not compiled again at the next start; the cache lies in the temporary folder.
  modules.enableCompileCache();
  await import(new URL('../src/main.ts', import.meta.url).href);
} else {
  const name = `node-${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}`;
  const file = process.platform === 'win32' ? 'bin/node.exe' : 'bin/node';
  const node = fileURLToPath(new URL(`../node_modules/${name}/${file}`, import.meta.url));
  if (!existsSync(node)) {
    console.error(
      `passerelle needs Node 24 or newer; this is ${process.version}.\n` +
        'Run npm ci without --omit=optional (it brings Node 24 on Linux and Windows), or install Node 24 and try again.',
    );
    process.exit(2);
  }
  const run = spawn(node, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], { stdio: 'inherit' });
  // Who stops this process means the one that works.
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) process.on(signal, () => run.kill(signal));
  run.on('exit', (code, signal) => process.exit(signal ? 1 : code));
}
