import { randomBytes } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import type { DocumentReference } from '@medplum/fhirtypes';
import { SMTPServer } from 'smtp-server';
import type { MailConfig } from '../src/adapters/mail/config.ts';
import { compose, type Letter } from '../src/adapters/mail/letter.ts';
import { openSender } from '../src/adapters/mail/smtp.ts';
import { read } from '../src/formats/mail/index.ts';
import { type BenchOptions, type BenchResult, percentile, row } from './result.ts';

const config = {
  patientDomain: 'patient.mssante.fr',
  messageIdDomain: 'bench.example',
  productNumber: 'BENCH',
  sourceId: '1.2.250.1.999.1.1',
} as MailConfig;

/** Secure mail out: making a mail with its archive, sending many, and the memory that a very long one takes. */
export async function run(options: BenchOptions = {}): Promise<BenchResult> {
  const mails = options.quick ? 100 : 1000;
  options.progress?.('making mails of a 500 kB CDA');
  const made: number[] = [];
  const processor = process.cpuUsage();
  for (let count = 0; count < (options.quick ? 20 : 100); count++) {
    const letter = letterOf(500_000, count);
    const since = performance.now();
    await compose(letter, config);
    made.push(performance.now() - since);
  }
  const { user, system } = process.cpuUsage(processor);
  options.progress?.(`making and sending ${mails} mails of a 100 kB CDA`);
  const sent = await send(mails);
  options.progress?.('a mail of 25 MB');
  const long = await memory();
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
    notes: ['SMTP server and sender are one process; memory is resident size above that before, sampled every 5 ms'],
  };
}

/** A letter with a CDA of that many bytes whose text does not compress to nothing, and a PDF copy inside the document. */
function letterOf(bytes: number, number: number, random = bytes / 4): Letter {
  const text = Buffer.from(randomBytes(random / 2).toString('hex'));
  const cda = Buffer.concat([
    Buffer.from('<ClinicalDocument>'),
    text,
    Buffer.alloc(Math.max(0, bytes - text.length), 'x '),
  ]);
  const reference = {
    resourceType: 'DocumentReference',
    status: 'current',
    masterIdentifier: { system: 'urn:ietf:rfc:3986', value: `urn:oid:1.2.3.${number}` },
    type: { coding: [{ system: 'http://loinc.org', code: '34112-3', display: 'CR hospitalier' }] },
    date: '2024-01-15T10:00:00Z',
    content: [{ attachment: { contentType: 'text/xml' } }],
  } as DocumentReference;
  const pdf = Buffer.concat([Buffer.from('%PDF-1.4\n'), randomBytes(1000)]);
  const contents = [
    { attachment: { contentType: 'text/xml' }, bytes: cda },
    { attachment: { contentType: 'application/pdf' }, bytes: pdf },
  ];
  return {
    from: 'A <a@bench.example>',
    to: 'b@bench.example',
    payload: {
      audience: 'professional',
      messageId: `${number}@bench.example`,
      documents: [],
      replaces: false,
      closes: false,
      hiddenFromPatient: false,
      askReading: true,
    },
    traits: { family: 'TEST', given: 'Anne', birthDate: '01/01/1980', qualified: true, complete: true },
    dossiers: [{ reference, contents, author: {}, authenticator: {} }],
    thread: [],
    at: new Date(0),
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
      const letter = letterOf(100_000, number);
      const bytes = await compose(letter, config);
      const outcome = await sender.send({
        from: 'a@bench.example',
        to: letter.to,
        messageId: letter.payload.messageId,
        bytes,
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

async function memory(): Promise<{ make: number; read: number }> {
  const letter = letterOf(18_000_000, 1, 18_000_000 * 2 - 2_000_000);
  const made = await peak(() => compose(letter, config));
  const taken = await peak(() => read(made.result));
  return { make: made.bytes / made.result.length, read: taken.bytes / made.result.length };
}

async function peak<T>(work: () => Promise<T>): Promise<{ bytes: number; result: T }> {
  globalThis.gc?.();
  const before = process.memoryUsage.rss();
  let most = before;
  const timer = setInterval(() => {
    most = Math.max(most, process.memoryUsage.rss());
  }, 5);
  const result = await work();
  most = Math.max(most, process.memoryUsage.rss());
  clearInterval(timer);
  return { bytes: most - before, result };
}
