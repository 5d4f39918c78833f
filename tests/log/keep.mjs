import { subscribe } from 'node:diagnostics_channel';
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Keeps a copy of every line any gateway of the test run logs: loaded by Jest before each test file, and by NODE_OPTIONS in the
 * processes that tests start.
 */
const folder = process.env.LOG_COPIES;
const marked = globalThis;
if (folder && !marked.keepsLogs) {
  marked.keepsLogs = true;
  const file = join(folder, `${process.pid}.log`);
  subscribe('passerelle:log', (line) => appendFileSync(file, String(line)));
}
