import type { Chance } from './random.ts';

type Change = (segments: string[][], chance: Chance) => string | undefined;

const texts = [
  '""',
  '',
  'X',
  'A\\F\\B',
  'a\\.br\\b',
  '\\XC3A9\\',
  'é’œ',
  '\\H\\gras\\N\\',
  '\\',
  '&',
  '^^',
  '~',
  'A~B',
  'A&1.2.3&ISO',
  '20210304',
  '20210304121500+0100',
  '2021',
  '99991399',
  'M'.repeat(300),
];
const datesAndCodes: [string, number, string[]][] = [
  ['PID', 7, ['1984', '198402', '19840229', '198402291215', '', '""', '19841399', 'X']],
  ['PID', 8, ['M', 'F', 'U', 'O', 'A', 'N', '', '""', 'X', 'I']],
  ['PID', 32, ['VALI', 'PROV', 'DOUT', 'FICT', 'HOMA', 'VALI~HOMD', 'X', '']],
  ['PV1', 2, ['I', 'O', 'E', 'R', 'P', 'N', 'B', 'X', '']],
  ['PV1', 36, ['01', '20', '1', 'X', '""', '']],
  ['PV1', 44, ['20240101', '202401011030', 'X', '""', '20240101103000.1234+0200']],
  ['MSH', 12, ['2.3.1', '2.4', '2.5', '2.5.1', '2.6', '2.7', '2.8.2', '2.9', '', '3.0', '2.5^FRA^2.11']],
  ['MSH', 18, ['UNICODE UTF-8', '8859/15', '8859/1', 'ASCII', '', 'UTF8', 'KLINGON']],
  [
    'MSH',
    9,
    [
      'ADT^A01',
      'ADT^A03^ADT_A03',
      'ADT^A08',
      'ADT^A12',
      'ADT^A13',
      'ADT^A31',
      'ADT^Z99',
      'MDM^T02',
      'MDM^T10',
      'MDM^T04',
      'ORU^R01',
      'ORU^R30',
      'SIU^S12',
      'ACK',
      '',
    ],
  ],
  ['OBX', 2, ['NM', 'ST', 'CE', 'CWE', 'TX', 'FT', 'SN', 'DT', 'TS', 'ED', 'ZZ', '']],
  ['OBX', 5, ['12,5', '<5', '>^100', '1^:^128', 'positif', '', '""', '20210304', 'A^B^LN', '1~2']],
  ['OBX', 6, ['mg/L^^UCUM', 'mg/L', '%', 'g/l^gramme^L', 'x y', '']],
  ['OBX', 11, ['F', 'C', 'D', 'P', 'X', 'W', '']],
  ['ZBE', 4, ['INSERT', 'UPDATE', 'CANCEL', 'X', '']],
  ['ZFA', 9, ['IO', 'INO', 'NA', 'X', '']],
  ['TXA', 17, ['AU', 'CA', 'OB', '']],
];

const changes: Record<string, Change> = {
  drop: (segments, chance) => {
    const at = 1 + chance.below(segments.length - 1);
    return `no ${segments.splice(at, 1)[0]?.[0]}`;
  },
  twice: (segments, chance) => {
    const at = 1 + chance.below(segments.length - 1);
    segments.splice(at, 0, [...segments[at]!]);
    return `twice ${segments[at]![0]}`;
  },
  swap: (segments, chance) => {
    if (segments.length < 4) return undefined;
    const at = 1 + chance.below(segments.length - 2);
    [segments[at], segments[at + 1]] = [segments[at + 1]!, segments[at]!];
    return 'other order';
  },
  field: (segments, chance) => {
    const segment = segments[1 + chance.below(segments.length - 1)]!;
    const at = 1 + chance.below(Math.max(1, segment.length - 1));
    segment[at] = chance.one(texts);
    return `${segment[0]}-${at} = ${segment[at].slice(0, 20)}`;
  },
  component: (segments, chance) => {
    const segment = segments[1 + chance.below(segments.length - 1)]!;
    const at = 1 + chance.below(Math.max(1, segment.length - 1));
    const parts = (segment[at] ?? '').split('^');
    if (parts.some((one) => one.length > 1000)) return undefined;
    parts[chance.below(parts.length + 1)] = chance.one(texts);
    segment[at] = Array.from(parts, (one) => one ?? '').join('^');
    return `${segment[0]}-${at} component`;
  },
  repeated: (segments, chance) => {
    const segment = segments[1 + chance.below(segments.length - 1)]!;
    const at = 1 + chance.below(Math.max(1, segment.length - 1));
    if ((segment[at] ?? '').length > 1000) return undefined;
    segment[at] = `${segment[at] ?? ''}~${segment[at] ?? ''}`;
    return `${segment[0]}-${at} repeated`;
  },
  known: (segments, chance) => {
    const [name, field, list] = chance.one(datesAndCodes);
    const having = segments.filter((one) => one[0] === name);
    if (having.length === 0) return undefined;
    const at = name === 'MSH' ? field - 1 : field;
    const segment = chance.one(having);
    while (segment.length <= at) segment.push('');
    segment[at] = chance.one(list);
    return `${name}-${field} = ${segment[at]}`;
  },
  names: (segments) => {
    const pid = segments.find((one) => one[0] === 'PID');
    if (!pid) return undefined;
    while (pid.length < 6) pid.push('');
    pid[5] = "O'BRIEN-ÉTÉ^JEAN^JEAN MARIE^^^^L~DE LA TOUR^ANNE^^^^^D~ALIAS^^^^^^U~^^^^^^S";
    return 'several names';
  },
  noIns: (segments) => {
    const pid = segments.find((one) => one[0] === 'PID');
    if (!pid?.[3]) return undefined;
    pid[3] = pid[3]
      .split('~')
      .filter((one) => !one.includes('^INS'))
      .join('~');
    return 'no INS';
  },
  unknownSegment: (segments, chance) => {
    segments.splice(1 + chance.below(segments.length), 0, ['ZXX', '1', 'inconnu']);
    return 'ZXX';
  },
};

const endings = ['\r', '\r', '\n', '\r\n'];

/** One message made another: up to four changes, another end of line, another set of letters. */
export function varyHl7(source: string, chance: Chance): { bytes: Uint8Array; done: string[] } {
  const segments = source
    .split(/\r\n|\r|\n/)
    .filter((line) => line !== '')
    .map((line) => line.split('|'));
  const done: string[] = [];
  for (let count = 1 + chance.below(4); count > 0 && segments.length > 2; count--) {
    const what = changes[chance.one(Object.keys(changes))]!(segments, chance);
    if (what) done.push(what);
  }
  const ending = chance.one(endings);
  const text = segments.map((one) => one.join('|')).join(ending) + (chance.below(2) ? ending : '');
  const latin = /\|8859\/1?5?\|/.test(text);
  return { bytes: Buffer.from(text, latin ? 'latin1' : 'utf8'), done: [...done, JSON.stringify(ending)] };
}
