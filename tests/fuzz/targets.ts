import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseScopes } from '../../src/access/scopes.ts';
import { createVerifier } from '../../src/access/verifier.ts';
import { type Config, loadConfig } from '../../src/config.ts';
import { PasserelleError } from '../../src/errors.ts';
import { read as readCda } from '../../src/formats/cda/index.ts';
import { readJson, readXml } from '../../src/formats/fhir/index.ts';
import { read as readHl7v2, write } from '../../src/formats/hl7v2/index.ts';
import { frame, frameDecoder } from '../../src/formats/hl7v2/mllp.ts';
import { read as readMail } from '../../src/formats/mail/index.ts';
import { recognise } from '../../src/formats/recognise.ts';
import { readTable } from '../../src/formats/table/index.ts';
import { readArchive, write as writeArchive } from '../../src/formats/xdm/index.ts';
import { compile } from '../../src/profile/fhirpath/compile.ts';
import { UnsupportedExpression } from '../../src/profile/fhirpath/environment.ts';
import { FhirPathSyntaxError } from '../../src/profile/fhirpath/parse.ts';
import { applyTo } from '../../src/store/patch.ts';
import { pairsOf, parseQuery } from '../../src/store/query.ts';
import { mailWith, report, submission } from './samples.ts';

/** One reader of hostile bytes. It may answer or refuse; anything it throws beside its own refusals is a finding. */
export interface Target {
  name: string;
  read(bytes: Uint8Array): unknown;
  /** Ends of golden inputs it begins with. */
  seeds: string[];
  /** Inputs made here, where no golden case has one. */
  made?(): Promise<Uint8Array[]>;
  /** Pieces that mean something to it. */
  words: string[];
}

const { config } = loadConfig({ environment: {}, cwd: import.meta.dirname });
const verify = createVerifier(config as Config, undefined);
const golden = join(import.meta.dirname, '..', 'golden');
const text = (bytes: Uint8Array) => Buffer.from(bytes).toString('utf8');
const limits = { defaultCount: 50, maxCount: 1000, maxParameters: 100 };
const resource = JSON.stringify({ resourceType: 'Patient', name: [{ family: 'ESSAI', given: ['A', 'B'] }] });

export const targets: Target[] = [
  {
    name: 'hl7v2',
    // What was read without a fault is written back byte for byte.
    read(bytes) {
      const { tree, faults } = readHl7v2(bytes);
      if (faults.length === 0 && !Buffer.from(write(tree)).equals(bytes))
        throw new Error('not the bytes that were read');
    },
    seeds: ['.hl7'],
    words: ['\rPID|', '\rOBX|', '^', '~', '&', '\\E\\', '\\X0D\\', '|""|', 'MSH|^~\\&|', 'UNICODE UTF-8', '8859/15'],
  },
  {
    name: 'mllp',
    // Cut into pieces of the sizes that its first bytes say: frames must not depend on how the stream was cut.
    read(bytes) {
      const decoder = frameDecoder({ maxBytes: 4096 });
      for (let at = 0, step = 0; at < bytes.length; step++) {
        const size = 1 + (bytes[step % 7] ?? 0);
        decoder.push(bytes.subarray(at, at + size));
        at += size;
      }
    },
    seeds: ['.hl7'],
    words: ['\x0b', '\x1c\r', '\x1c', '\r', '\x0bMSH|', '\x1c\r\x0b'],
  },
  {
    name: 'cda',
    read: (bytes) => readCda(bytes),
    seeds: ['.xml'],
    words: [
      '<section>',
      '</',
      '<!--',
      ']]>',
      '<![CDATA[',
      'xsi:type="PQ"',
      'nullFlavor="UNK"',
      '&#x41;',
      '<?a?>',
      'root="1.2"',
    ],
  },
  {
    name: 'fhir-json',
    read: (bytes) => readJson(bytes),
    seeds: ['.json'],
    words: [
      '{',
      '[',
      '"__proto__":',
      '"resourceType":"Bundle"',
      '"extension":[',
      '1e999',
      '\\ud800',
      'null',
      '"_id":{',
    ],
  },
  {
    name: 'fhir-xml',
    read: (bytes) => readXml(bytes),
    seeds: ['.xml'],
    words: [
      '<Patient xmlns="http://hl7.org/fhir">',
      '<id value="a"/>',
      '<contained>',
      '<div xmlns=',
      '</Patient>',
      'value="',
    ],
  },
  {
    name: 'search',
    read: (bytes) => parseQuery('Observation', pairsOf(text(bytes)), limits),
    seeds: [],
    words: [
      '_include=',
      '_revinclude:iterate=',
      '_has:',
      'code=',
      '|',
      '%7C',
      '\\,',
      'ge2020',
      '_sort=-date',
      '%',
      '&',
      ':missing=',
    ],
  },
  {
    name: 'scopes',
    read: (bytes) => parseScopes(text(bytes)),
    seeds: [],
    words: ['system/', '*.', 'cruds', '?', '&category=', ' '],
  },
  {
    name: 'token',
    read: (bytes) => verify(text(bytes)),
    seeds: [],
    words: ['eyJhbGciOiJub25lIn0', '.', 'e30', '=', '-', '_'],
  },
  {
    name: 'mail',
    read: (bytes) => readMail(bytes),
    seeds: ['.eml'],
    made: async () => [mailWith(await writeArchive(submission)), report],
    words: [
      '\r\n',
      'Content-Type: ',
      'multipart/mixed; boundary=',
      '--',
      '=?utf-8?B?',
      'message/disposition-notification',
      'base64',
    ],
  },
  {
    name: 'xdm',
    read: (bytes) => readArchive(bytes),
    seeds: [],
    made: async () => [await writeArchive(submission)],
    words: ['PK\x03\x04', 'PK\x01\x02', 'PK\x05\x06', '../', 'METADATA.XML'],
  },
  {
    name: 'table',
    read: (bytes) => readTable(bytes, 'csv'),
    seeds: ['.csv'],
    made: async () => [Buffer.from('\ufeffnom;date;"code ""a"""\r\nESSAI;2020-11-03;1\r\n')],
    words: [';', ',', '"', '""', '\r\n', '\ufeff', '='],
  },
  {
    name: 'fhirpath',
    read(bytes) {
      try {
        compile(text(bytes));
      } catch (error) {
        if (!(error instanceof FhirPathSyntaxError || error instanceof UnsupportedExpression)) throw error;
      }
    },
    seeds: [],
    words: [
      'name.given',
      ".where(use = 'official')",
      '.exists()',
      ' and ',
      '(',
      ')',
      "matches('a+b')",
      '$this',
      '%resource',
      '@2020-01-01',
      '1.5',
    ],
  },
  {
    name: 'patch',
    read: (bytes) => applyTo(JSON.parse(resource), JSON.parse(text(bytes))),
    seeds: [],
    words: [
      '{"op":"add","path":"/name/-","value":',
      '"replace"',
      '"path":"/__proto__/a"',
      '~1',
      '~0',
      '[',
      ']',
      '/0/',
      '{"resourceType":"Parameters"',
    ],
  },
  {
    name: 'recognise',
    read: (bytes) => recognise(bytes),
    seeds: ['.hl7', '.xml', '.json', '.eml'],
    words: ['MSH|', '<?xml', '{', '\ufeff'],
  },
];

/** Refusals that a reader may throw: they reach the sender as a code of the register, or are JSON's own. */
export function isRefusal(error: unknown): boolean {
  return error instanceof PasserelleError || (error instanceof SyntaxError && /JSON/.test(error.message));
}

/** What a target begins with: golden inputs, what was found before, and something small. */
export async function seedsOf(target: Target): Promise<Uint8Array[]> {
  const found = join(import.meta.dirname, 'corpus');
  const old = readdirSync(found).filter((name) => name.startsWith(`${target.name}-`));
  const inputs = readdirSync(golden, { recursive: true, encoding: 'utf8' })
    .filter((name) => /(^|\/)input\.\w+$/.test(name) && target.seeds.some((end) => name.endsWith(end)))
    .map((name) => readFileSync(join(golden, name)))
    .filter((bytes) => bytes.length < 20_000);
  const framed = target.name === 'mllp' ? inputs.map((bytes) => frame(bytes)) : inputs;
  const made = (await target.made?.()) ?? [];
  return [
    Buffer.from(target.words.join('')),
    ...made,
    ...framed,
    ...old.map((name) => readFileSync(join(found, name))),
  ];
}
