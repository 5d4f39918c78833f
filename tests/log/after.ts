import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { identitiesOfTests, linesThatTell } from './identities.ts';

/** After all tests: no line that any gateway logged names anybody. */
export default function after(): void {
  const folder = process.env.LOG_COPIES as string;
  const lines = readdirSync(folder).flatMap((one) =>
    readFileSync(join(folder, one), 'utf8').split('\n').filter(Boolean),
  );
  rmSync(folder, { recursive: true, force: true });
  const identities = identitiesOfTests();
  const telling = linesThatTell(lines, identities);
  console.log(
    `\nlog: ${lines.length} lines of this run, ${identities.size} identities looked for, ${telling.length} found`,
  );
  if (telling.length > 0) throw new Error(`log lines that name somebody:\n${telling.slice(0, 20).join('\n')}`);
}
