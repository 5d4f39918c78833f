import { writeSync } from 'node:fs';
import { PasserelleError } from '../../src/errors.ts';
import { openSqliteJournal } from '../../src/journal/sqlite.ts';
import { newMessage } from './store.ts';

/**
 * A gateway whose disk fills up (a limit on the size of files stands in for it): says on standard output what it
 * acknowledged and what it answered when it could not.
 *
 * Usage: node filler.ts FOLDER
 */
const say = (line: string) => writeSync(1, `${line}\n`);
const codeOf = (error: unknown) => (error instanceof PasserelleError ? error.faults[0].code : String(error));

const journal = openSqliteJournal({ folder: process.argv[2], minFreeBytes: 0 });
try {
  await journal.open();
} catch (error) {
  say(`unopened ${codeOf(error)}`);
  process.exit(0);
}
const append = async (size: number): Promise<boolean> => {
  const message = newMessage({ text: 'x'.repeat(size) });
  try {
    await journal.append(message);
    say(`acknowledged ${message.id}`);
    return true;
  } catch (error) {
    say(`refused ${codeOf(error)}`);
    say(`obstacle ${journal.obstacles().map((one) => one.code)}`);
    return false;
  }
};
await append(10);
await append(3_000_000);
await append(10);
say(`obstacles ${journal.obstacles().length}`);
while (await append(50_000));
