// Worker of the MLLP benchmarks: `connections` senders, each waits for its acknowledgement before it sends the next. Where the
// message holds `marker`, each is another message: its number stands there.
import { connect } from 'node:net';
import { parentPort, workerData } from 'node:worker_threads';

interface Load {
  port: number;
  connections: number;
  messages: number;
  message: Uint8Array;
}

const { port, connections, messages, message } = workerData as Load;
const end = Buffer.from([0x1c, 0x0d]);
const framed = Buffer.concat([Buffer.of(0x0b), message, end]);
const marker = '@@@@@@@@@@';
const marked = framed.indexOf(marker);
const series = Date.now() % 1000;
const latencies = new Float64Array(messages);
let sent = 0;
let done = 0;
let started = 0;

function open(): void {
  const socket = connect({ host: '127.0.0.1', port, noDelay: true });
  let at = 0;
  let kept: Buffer | undefined;
  const next = (): void => {
    if (sent >= messages) return;
    sent++;
    const bytes = marked < 0 ? framed : Buffer.from(framed);
    if (marked >= 0) bytes.write(`${series}${sent}`.padStart(marker.length, '0'), marked);
    at = performance.now();
    socket.write(bytes);
  };
  socket.on('connect', () => {
    started ||= performance.now();
    next();
  });
  socket.on('data', (chunk) => {
    const bytes = kept ? Buffer.concat([kept, chunk]) : chunk;
    if (bytes.indexOf(end) < 0) {
      kept = bytes;
      return;
    }
    kept = undefined;
    if (!bytes.includes('|AA|') && !bytes.includes('MSA|A')) throw new Error(`not acknowledged: ${bytes.toString()}`);
    latencies[done++] = performance.now() - at;
    if (done === messages) parentPort!.postMessage({ seconds: (performance.now() - started) / 1000, latencies });
    else next();
  });
}

for (let i = 0; i < connections; i++) open();
