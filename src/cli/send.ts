import { mintToken } from '../access/index.ts';
import { isLoopback } from '../config/listen.ts';
import type { Config } from '../config.ts';
import { fault, PasserelleError } from '../errors.ts';
import { recognise } from '../formats/recognise.ts';
import {
  type Arguments,
  type Command,
  exit,
  type Io,
  type Option,
  shared,
  UsageError,
  wholeNumber,
} from './command.ts';
import { configured, readBytes } from './context.ts';
import { type Answered, type Connection, type Figures, figuresOf, runLoad, tally } from './load.ts';
import { addressOf } from './running-gateway.ts';
import { openHttp } from './send-http.ts';
import { openMllp, withCarriageReturns, withControlId } from './send-mllp.ts';
import { progress, table } from './text.ts';

const options: Option[] = [
  {
    name: 'to',
    value: 'URL',
    meaning: {
      fr: 'mllp://hôte:port, mllps://… ou http(s)://hôte:port/in/… (sinon la configuration)',
      en: 'mllp://host:port, mllps://… or http(s)://host:port/in/… (else the configuration)',
    },
  },
  {
    name: 'repeat',
    value: 'N',
    meaning: { fr: 'envoie chaque fichier N fois (1)', en: 'sends each file N times (1)' },
  },
  { name: 'connections', value: 'N', meaning: { fr: 'connexions parallèles (1)', en: 'parallel connections (1)' } },
  {
    name: 'unique',
    meaning: { fr: 'un MSH-10 différent à chaque répétition', en: 'a different MSH-10 for each repetition' },
  },
  {
    name: 'raw',
    meaning: {
      fr: 'mllp : octets tels quels, sans remplacer LF par CR',
      en: 'mllp: bytes as they are, LF not replaced by CR',
    },
  },
  { name: 'vendor', value: 'V', meaning: { fr: 'http : /in/telemonitoring/V', en: 'http: /in/telemonitoring/V' } },
  {
    name: 'token',
    value: 'T',
    meaning: { fr: 'http : jeton (sinon fabriqué ici, en local)', en: 'http: token (else minted here, on loopback)' },
  },
  {
    name: 'timeout',
    value: 'SECONDS',
    meaning: { fr: 'attente d’un acquittement (30)', en: 'wait for an acknowledgement (30)' },
  },
  shared.json,
  shared.config,
];

export const send: Command = {
  name: 'send',
  summary: {
    fr: 'émetteur d’essai : envoie des fichiers et vérifie chaque acquittement',
    en: 'a sender for tests: sends files and checks each acknowledgement',
  },
  usage: 'mllp|http FILE… [--to URL] [--repeat N] [--connections N]',
  example: 'send mllp sortie.hl7 --to mllp://127.0.0.1:2575 --repeat 1000 --connections 8 --unique',
  options,
  positionals: [2, Number.POSITIVE_INFINITY],
  async run(args, io) {
    const [how, ...names] = args.positionals;
    if (how !== 'mllp' && how !== 'http')
      throw new UsageError({ fr: 'send mllp ou send http.', en: 'send mllp or send http.' });
    const config = configured(args, io);
    const repeat = wholeNumber(args, 'repeat', 1, [1, 10_000_000]);
    const count = wholeNumber(args, 'connections', 1, [1, 1024]);
    const files = await Promise.all(names.map((name) => readBytes(name, io)));
    const ready = how === 'mllp' && !args.switches.raw ? files.map(withCarriageReturns) : files;
    const connections =
      how === 'mllp' ? await mllpConnections(args, config, count) : await httpConnections(args, config, files, count);
    const total = ready.length * repeat;
    const told = progress(io, 'send', total);
    try {
      const next = messagesOf(ready, total, args.switches.unique === true);
      const { answers, seconds } = await runLoad(connections, next, () => told.step());
      told.end();
      const figures = figuresOf(answers, seconds);
      io.out(args.switches.json ? `${JSON.stringify(figures, null, 2)}\n` : report(figures, io));
      for (const line of refusalsIn(answers)) io.err(`${line}\n`);
      return answers.every((one) => /^(AA|CA|2\d\d)$/.test(one.code)) ? exit.done : exit.refused;
    } finally {
      for (const connection of connections) connection.close();
    }
  },
};

/** Of a load test everybody is told the same: nobody reads more. */
const mostRefusals = 20;

/** What the other side said of refusals, each sentence once, with how often it was said. */
function refusalsIn(answers: Answered[]): string[] {
  const counts = tally(answers.flatMap((one) => one.said));
  return Object.entries(counts)
    .slice(0, mostRefusals)
    .map(([line, count]) => (count > 1 ? `${line} (${count})` : line));
}

/** Each file once, then each a second time, and so on. */
function messagesOf(files: Uint8Array[], total: number, unique: boolean): () => Uint8Array | undefined {
  const run = Date.now().toString(36);
  let sent = 0;
  return () => {
    if (sent >= total) return undefined;
    const bytes = files[sent % files.length] as Uint8Array;
    sent += 1;
    return unique ? withControlId(bytes, `-${run}${sent.toString(36)}`) : bytes;
  };
}

async function mllpConnections(args: Arguments, config: Config, count: number): Promise<Connection[]> {
  const listen = config.doors.find((one) => one.type === 'mllp')?.listen ?? '127.0.0.1:2575';
  if (args.values.to === undefined && listen.endsWith(':0')) {
    const params = { setting: 'PASSERELLE_MLLP', address: listen, option: '--to URL' };
    throw new PasserelleError(fault('port-unknown', { params }));
  }
  const address = args.values.to ?? `mllp://${listen}`;
  if (!/^mllps?:\/\/[^/]+\/?$/.test(address)) {
    throw new UsageError({ fr: '--to : attendu mllp://hôte:port.', en: '--to: expected mllp://host:port.' });
  }
  return Promise.all(Array.from({ length: count }, () => openMllp(address, answerMs(args))));
}

async function httpConnections(
  args: Arguments,
  config: Config,
  files: Uint8Array[],
  count: number,
): Promise<Connection[]> {
  const base = args.values.to ?? addressOf(config, '--to URL');
  if (!URL.canParse(base) || !/^https?:/.test(base)) {
    throw new UsageError({ fr: '--to : attendu http://hôte:port/in/….', en: '--to: expected http://host:port/in/….' });
  }
  const url = new URL(base);
  const found = new Set(files.map(kindOf));
  const kind = found.values().next().value as Kind;
  const vendor = args.values.vendor;
  if (found.size > 1 && !vendor) {
    throw new UsageError({
      fr: 'Des fichiers d’un seul format à la fois, en HTTP.',
      en: 'Files of one format at a time, over HTTP.',
    });
  }
  if (vendor) url.pathname = `/in/telemonitoring/${encodeURIComponent(vendor)}`;
  else if (url.pathname === '/') url.pathname = kind.path;
  const mint = () => mintToken(config, { clientId: 'passerelle-send' });
  const token = args.values.token ?? (isLoopback(url.hostname.replace(/^\[|\]$/g, '')) ? await mint() : undefined);
  const contentType = vendor ? 'application/json' : kind.contentType;
  return openHttp({ url, token, contentType, answerMs: answerMs(args) }, count);
}

const answerMs = (args: Arguments) => wholeNumber(args, 'timeout', 30, [1, 3600]) * 1000;

interface Kind {
  path: string;
  contentType: string;
}

const kinds: Record<'hl7v2' | 'cda' | 'fhirXml' | 'fhirJson', Kind> = {
  hl7v2: { path: '/in/hl7v2', contentType: 'application/hl7-v2' },
  cda: { path: '/in/cda', contentType: 'application/xml' },
  fhirXml: { path: '/in/fhir', contentType: 'application/fhir+xml' },
  fhirJson: { path: '/in/fhir', contentType: 'application/fhir+json' },
};

/** Which path a file belongs to, by its first bytes; what it is not, the gateway will say. */
function kindOf(bytes: Uint8Array): Kind {
  const format = recognise(bytes);
  if (format === 'hl7v2' || format === 'cda') return kinds[format];
  return bytes.find((byte) => byte > 0x20) === 0x3c ? kinds.fhirXml : kinds.fhirJson;
}

function report(figures: Figures, io: Io): string {
  const words = {
    fr: ['envoyés', 'acquittements', 'erreurs', 'par seconde', 'p50 ms', 'p95 ms', 'p99 ms'],
    en: ['sent', 'acknowledgements', 'errors', 'per second', 'p50 ms', 'p95 ms', 'p99 ms'],
  }[io.language];
  const list = (counts: Record<string, number>) =>
    Object.entries(counts)
      .map(([code, n]) => `${code} ${n}`)
      .join(', ') || '-';
  const { sent, codes, errors, perSecond, p50, p95, p99 } = figures;
  return table(
    words,
    [[String(sent), list(codes), list(errors), ...[perSecond, p50, p95, p99].map(String)]],
    io.terminal.columns,
  );
}
