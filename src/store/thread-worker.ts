import { enableCompileCache } from 'node:module';
import { parentPort, workerData } from 'node:worker_threads';
import type { FhirEndpoint } from '../adapter.ts';
import type { Lent } from './lend.ts';
import type { Answered, Asked, Said, ThreadData } from './thread.ts';

/** The thread of the embedded server: opens it, answers what it is asked, and closes it when told. */
const { options, compileCache } = workerData as ThreadData;
if (compileCache) enableCompileCache(compileCache);
const { openStore } = await import('./index.ts');
const { keyOf } = await import('./lend.ts');
const { unpacked } = await import('./thread.ts');

const port = parentPort!;
const say = (said: Said) => port.postMessage(said);
let lent: Lent | undefined;
let details: Lent['details'];
let answers: Answered[] = [];

try {
  const store = openStore({
    ...options,
    validate: (resource, profiles) => lent?.findings?.[keyOf(resource, profiles)] ?? [],
    describe: () => details ?? {},
    report: (error) => {
      const { name, message, stack } = error instanceof Error ? error : new Error(String(error));
      say({ kind: 'failed', name, message, ...(stack ? { stack } : {}) });
    },
  });
  port.on('message', (asked: Asked[] | 'close') => {
    if (asked === 'close') void store.close().then(() => port.close());
    else for (const one of asked) void answer(one, store.endpoint);
  });
  say({ kind: 'ready' });
} catch (error) {
  say({ kind: 'unable', message: error instanceof Error ? error.message : String(error) });
}

async function answer(asked: Asked, endpoint: FhirEndpoint): Promise<void> {
  const { id, request } = asked;
  lent = asked.lent;
  details = lent?.details ?? details;
  // What was lent is asked for before `send` first waits for anything.
  const { body, ...response } = await endpoint.send({ ...request, ...unpacked(asked) });
  answers.push({ id, response, ...travelling(body) });
  if (answers.length === 1) queueMicrotask(flush);
}

function travelling(body: unknown): Pick<Answered, 'text' | 'bytes'> {
  if (body instanceof Uint8Array) return { bytes: body };
  return body === undefined ? {} : { text: JSON.stringify(body) };
}

/** What one commit ended goes back in one piece. */
function flush(): void {
  say({ kind: 'answers', answers });
  answers = [];
}
