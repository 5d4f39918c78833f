import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SMTPServer } from 'smtp-server';
import { compose } from '../src/adapters/mail/letter.ts';
import { openSender } from '../src/adapters/mail/smtp.ts';
import { config, documentOf, letterOf } from './mail-letter.ts';
import { type BenchOptions, type BenchResult, percentile, row } from './result.ts';

/** Secure mail out: making a mail with its archive, sending many, and the memory that a very long one takes. */
export async function run(options: BenchOptions = {}): Promise<BenchResult> {
  const mails = options.quick ? 100 : 1000;
  options.progress?.('making mails of a 500 kB CDA');
  const made: number[] = [];
  for (let count = 0; count < 20; count++) await compose(letterOf(documentOf(500_000), count), config);
  const processor = process.cpuUsage();
  for (let count = 0; count < (options.quick ? 20 : 100); count++) {
    const letter = letterOf(documentOf(500_000), count);
    const since = performance.now();
    await compose(letter, config);
    made.push(performance.now() - since);
  }
  const { user, system } = process.cpuUsage(processor);
  options.progress?.(`making and sending ${mails} mails of a 100 kB CDA`);
  const sent = await send(mails);
  options.progress?.('a mail of 25 MB');
  const long = memory();
  return {
    bench: 'mail',
    rows: [
      row('mail with archive of a 500 kB CDA: p50', percentile(made, 0.5), 'ms'),
      row('mail with archive of a 500 kB CDA: p95', percentile(made, 0.95), 'ms'),
      row('the same, processor time of one', (user + system) / 1000 / made.length, 'ms'),
      row(`${mails} mails made and sent on loopback`, sent, '/s'),
      row('25 MB mail: memory to make it, times its size', long.make, '×'),
      row('25 MB mail: memory to read it, times its size', long.read, '×'),
    ],
    notes: [
      'SMTP server and sender are one process.',
      'Memory is the rise of the peak of a process that makes or reads one mail: the document it is made from is not in it, the mail that is made is.',
    ],
  };
}

async function send(mails: number): Promise<number> {
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS', 'AUTH'],
    disableReverseLookup: true,
    onData(stream, _session, done) {
      stream.on('data', () => {});
      stream.on('end', () => done());
    },
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.server.address() as AddressInfo;
  const sender = openSender({ host: '127.0.0.1', port, security: 'none', connections: 4, timeoutSeconds: 30 });
  let next = 0;
  const since = performance.now();
  const work = async () => {
    for (let number = next++; number < mails; number = next++) {
      const letter = letterOf(documentOf(100_000), number);
      const pieces = await compose(letter, config);
      const outcome = await sender.send({
        from: 'a@bench.example',
        to: letter.to,
        messageId: letter.payload.messageId,
        pieces,
      });
      if (outcome.outcome !== 'delivered') throw new Error(JSON.stringify(outcome));
    }
  };
  await Promise.all([work(), work(), work(), work(), work(), work(), work(), work()]);
  const perSecond = (mails / (performance.now() - since)) * 1000;
  sender.close();
  await new Promise<void>((resolve) => server.close(() => resolve()));
  return perSecond;
}

/** Each in a process of its own, where nothing that was freed before is there to be used again. */
function memory(): { make: number; read: number } {
  const folder = mkdtempSync(join(tmpdir(), 'bench-mail-'));
  const script = fileURLToPath(new URL('./mail-memory.ts', import.meta.url));
  const times = (step: string) =>
    Number(execFileSync(process.execPath, [script, step, join(folder, 'mail.eml')], { encoding: 'utf8' }));
  try {
    return { make: times('make'), read: times('read') };
  } finally {
    rmSync(folder, { recursive: true });
  }
}
