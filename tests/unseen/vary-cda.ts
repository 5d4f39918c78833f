import { all, type Node, parse, print } from './markup.ts';
import type { Chance } from './random.ts';

type Found = { node: Node; parent: Node };
type Change = (found: Found[], chance: Chance, root: Node, donors: readonly string[]) => string | undefined;

const moods = ['EVN', 'INT', 'RQO', 'PRMS', 'ARQ', 'GOL', 'PRP', 'EVN.CRT'];
const states = [
  'completed',
  'active',
  'aborted',
  'suspended',
  'cancelled',
  'nullified',
  'new',
  'held',
  'normal',
  'obsolete',
];
const nullFlavors = ['UNK', 'NA', 'NASK', 'ASKU', 'NI', 'NAV', 'OTH', 'MSK'];
const dates = [
  '2021',
  '202103',
  '20210304',
  '2021030412',
  '202103041215',
  '20210304121530',
  '20210304121530.123+0200',
  '20210304121530-0500',
  '20210332',
  '',
  '00000000',
  'hier',
  '202103041215+0100',
];
const units = ['mg', 'g/L', '', '{tablet}', 'mmHg', 'UI', '°C', 'kg', 'cm', 'x y', '1', '[degF]'];
const values = ['0', '-1', '12,5', '1e3', '', 'abc', '99999999999', '37.25', '007'];
const types = [
  'CD',
  'CE',
  'PQ',
  'ST',
  'BL',
  'INT',
  'REAL',
  'TS',
  'IVL_TS',
  'IVL_PQ',
  'ED',
  'RTO',
  'PIVL_TS',
  'EIVL_TS',
  'SXPR_TS',
  'CO',
  'hl7:CD',
  'FOO',
];
const medias = [
  'application/pdf',
  'application/PDF',
  'application/pdf; charset=utf-8',
  'image/jpeg',
  'image/tiff',
  'text/plain',
  'text/rtf',
  'text/html',
  'application/octet-stream',
  '',
];
const names = ['O’BRIEN-ÉLÉONORE', "D'ARTAGNAN", 'MÜLLER', 'Ñandú', '李', 'DE LA  TOUR', 'X', 'A'.repeat(120), ' '];

const attribute = (node: Node, name: string) => node.attributes.find(([own]) => own === name);
function set(node: Node, name: string, value: string): void {
  const known = attribute(node, name);
  if (known) known[1] = value;
  else node.attributes.push([name, value]);
}

/** Changes the attribute of one of the elements that have it. */
function changing(name: string, list: readonly string[]): Change {
  return (found, chance) => {
    const having = found.filter(({ node }) => attribute(node, name));
    if (having.length === 0) return undefined;
    const { node } = chance.one(having);
    const value = chance.one(list);
    set(node, name, value);
    return `${node.name}/@${name} = ${value.slice(0, 20)}`;
  };
}

const changes: Record<string, Change> = {
  remove: (found, chance) => {
    const { node, parent } = chance.one(found);
    parent.children.splice(parent.children.indexOf(node), 1);
    return `no ${parent.name}/${node.name}`;
  },
  absent: (found, chance) => {
    const { node, parent } = chance.one(found);
    const type = attribute(node, 'xsi:type');
    node.children = [];
    node.attributes = [...(type && chance.below(2) ? [type] : []), ['nullFlavor', chance.one(nullFlavors)]];
    return `nullFlavor ${parent.name}/${node.name}`;
  },
  emptied: (found, chance) => {
    const { node, parent } = chance.one(found);
    node.children = [];
    node.attributes = [];
    return `empty ${parent.name}/${node.name}`;
  },
  twice: (found, chance) => {
    const { node, parent } = chance.one(found);
    parent.children.splice(parent.children.indexOf(node), 0, parse(print(node)).children[0]!);
    return `twice ${parent.name}/${node.name}`;
  },
  grafted: (found, chance, _, donors) => {
    const entries = found.filter(({ parent }) => !/^(?:ClinicalDocument|section|structuredBody)?$/.test(parent.name));
    if (entries.length === 0 || donors.length === 0) return undefined;
    const { node, parent } = chance.one(entries);
    const alike = all(parse(chance.one(donors))).filter(
      (one) => one.node.name === node.name && one.parent.name === parent.name && !print(one.node).includes('<pharm:'),
    );
    if (alike.length === 0) return undefined;
    const instead = chance.below(2);
    parent.children.splice(parent.children.indexOf(node), instead, chance.one(alike).node);
    return `another ${parent.name}/${node.name} ${instead ? 'instead' : 'beside'}`;
  },
  withoutAttribute: (found, chance) => {
    const having = found.filter(({ node }) => node.attributes.length > 0);
    if (having.length === 0) return undefined;
    const { node } = chance.one(having);
    const [gone] = node.attributes.splice(chance.below(node.attributes.length), 1);
    return `no ${node.name}/@${gone![0]}`;
  },
  date: (found, chance) => {
    const having = found.filter(({ node }) => /ime$|^low$|^high$/.test(node.name) && attribute(node, 'value'));
    if (having.length === 0) return undefined;
    const { node, parent } = chance.one(having);
    set(node, 'value', chance.one(dates));
    return `date ${parent.name}/${node.name} ${attribute(node, 'value')![1]}`;
  },
  moved: (found, chance) => {
    const sections = found.filter(({ node }) => node.name === 'entry');
    const holders = found.filter(({ node }) => node.name === 'section');
    if (sections.length === 0 || holders.length < 2) return undefined;
    const { node, parent } = chance.one(sections);
    parent.children.splice(parent.children.indexOf(node), 1);
    chance.one(holders).node.children.push(node);
    return 'entry in another section';
  },
  template: (found, chance) => {
    const having = found.filter(({ node }) => node.name === 'templateId' && attribute(node, 'root'));
    if (having.length === 0) return undefined;
    for (let count = 1 + chance.below(6); count > 0; count--)
      set(chance.one(having).node, 'root', `1.2.250.1.999.${chance.below(99)}`);
    return 'other templates';
  },
  sectionCode: (found, chance) => {
    const having = found.filter(({ node, parent }) => node.name === 'code' && parent.name === 'section');
    if (having.length === 0) return undefined;
    set(
      chance.one(having).node,
      'code',
      chance.one([
        '18610-6',
        '10183-2',
        '18776-5',
        '8716-3',
        '30954-2',
        '11450-4',
        '48765-2',
        '10157-6',
        '11369-6',
        '29762-2',
        '99999-9',
      ]),
    );
    return 'another section';
  },
  name: (found, chance) => {
    const having = found.filter(({ node }) => /^(?:family|given|name|city|title)$/.test(node.name));
    if (having.length === 0) return undefined;
    const { node } = chance.one(having);
    node.children = [chance.one(names)];
    return `name ${node.name}`;
  },
  qualifier: (found, chance) => {
    const having = found.filter(({ node }) => /^(?:family|given)$/.test(node.name));
    if (having.length === 0) return undefined;
    set(chance.one(having).node, 'qualifier', chance.one(['BR', 'CL', 'SP', 'AC', 'IN', '']));
    return 'qualifier';
  },
  unnumbered: (_, __, root) => {
    const role = all(root).find(({ node }) => node.name === 'patientRole');
    if (!role) return undefined;
    role.node.children = role.node.children.filter(
      (one) =>
        typeof one === 'string' ||
        one.name !== 'id' ||
        !/^1\.2\.250\.1\.213\.1\.4\./.test(attribute(one, 'root')?.[1] ?? ''),
    );
    return 'no INS';
  },
  foreign: (found) => {
    for (const { node } of found) if (node.name === 'county') node.children = ['99350'];
    return 'born abroad';
  },
  mood: changing('moodCode', moods),
  status: (found, chance) => {
    const having = found.filter(({ node }) => node.name === 'statusCode');
    if (having.length === 0) return undefined;
    set(chance.one(having).node, 'code', chance.one(states));
    return 'status';
  },
  negation: (found, chance) => {
    const having = found.filter(({ node }) => attribute(node, 'moodCode'));
    if (having.length === 0) return undefined;
    const { node } = chance.one(having);
    set(node, 'negationInd', chance.one(['true', 'false', '1', 'oui']));
    return `negated ${node.name}`;
  },
  type: changing('xsi:type', types),
  relation: changing('typeCode', [
    'COMP',
    'RSON',
    'SUBJ',
    'REFR',
    'MFST',
    'CAUS',
    'XXX',
    'DRIV',
    'INF',
    'REF',
    'DEV',
    'RPLC',
    'APND',
    'XFRM',
  ]),
  system: changing('codeSystem', ['1.2.3.4', 'pas-un-oid', '', '2.16.840.1.113883.6.1']),
  code: changing('code', ['ABC', '', 'a b', '123', 'UNK', ' x ']),
  unit: changing('unit', units),
  value: changing('value', values),
  root: changing('root', [
    '1.2.3',
    'AADC9C14-F1CA-4177-B2C8-A5178D5B3CA0',
    'abc',
    '',
    '1.2.250.1.71.4.2.1',
    '1.2.250.1.213.1.4.8',
  ]),
  extension: changing('extension', ['', 'x y', '123^456', '801234567897', 'é'.repeat(80)]),
  media: changing('mediaType', medias),
  representation: changing('representation', ['TXT', 'B64', '']),
  use: changing('use', ['HP', 'WP', 'MC', 'XX', 'H WP', '']),
  telecom: (found, chance) => {
    const having = found.filter(({ node }) => node.name === 'telecom');
    if (having.length === 0) return undefined;
    set(
      chance.one(having).node,
      'value',
      chance.one([
        '0102030405',
        'tel:',
        'mailto:a@b',
        'http://x.example',
        '',
        'tel:+33 1 02 03 04 05',
        'x@patient.mssante.fr',
      ]),
    );
    return 'telecom';
  },
};

/** Ways to write the same document otherwise. */
const dresses: Record<string, (text: string) => Uint8Array> = {
  utf8: (text) => Buffer.from(text),
  bom: (text) => Buffer.from(`\ufeff${text}`),
  latin1: (text) =>
    Buffer.from(
      `<?xml version="1.0" encoding="ISO-8859-1"?>${text.replace(/[^\x00-\xff]/g, (one) => `&#${one.codePointAt(0)};`)}`,
      'latin1',
    ),
  utf16: (text) => Buffer.from(`\ufeff<?xml version="1.0" encoding="UTF-16"?>${text}`, 'utf16le'),
  prefixed: (text) => Buffer.from(prefixed(text)),
  commented: (text) =>
    Buffer.from(text.replaceAll(/<(?=(?:entry|section|patient|author|value)[\s>])/g, '<!-- remarque --><')),
  cdata: (text) => Buffer.from(text.replaceAll(/<(title|family|city)>([^<&]+)</g, '<$1><![CDATA[$2]]><')),
  crlf: (text) => Buffer.from(text.replaceAll('\n', '\r\n')),
};

function prefixed(text: string): string {
  const root = parse(text);
  for (const { node } of all(root)) if (!node.name.includes(':')) node.name = `cda:${node.name}`;
  const document = root.children.find((one): one is Node => typeof one !== 'string');
  for (const one of document?.attributes ?? []) if (one[0] === 'xmlns') one[0] = 'xmlns:cda';
  return print(root);
}

/**
 * One document made another: up to four changes, some of them with parts of the donors, then one of the ways to write it. Says
 * what was done.
 */
export function varyCda(
  source: string,
  chance: Chance,
  donors: readonly string[],
): { bytes: Uint8Array; done: string[] } {
  const root = parse(source);
  const done: string[] = [];
  for (let count = 1 + chance.below(4); count > 0; count--) {
    const found = all(root);
    if (found.length === 0) break;
    const name = chance.one(Object.keys(changes));
    const what = changes[name]!(found, chance, root, donors);
    if (what) done.push(what);
  }
  const dress = chance.below(3) === 0 ? chance.one(Object.keys(dresses)) : 'utf8';
  return { bytes: dresses[dress]!(print(root).trim()), done: [...done, dress] };
}
