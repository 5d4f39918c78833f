import type { DocumentReference, Identifier, Patient } from '@medplum/fhirtypes';
import { isIns, isQualified } from '../../adapter/ins.ts';
import type { Party } from '../../conversion.ts';
import { type CdaIdentity, identity, read as readCda } from '../../formats/cda/index.ts';
import { compose, type Written, type WrittenComponent, write } from '../../formats/hl7v2/index.ts';
import type { MllpOutConfig } from './config.ts';

/** A document, and what is said around it. */
export interface Letter {
  reference: DocumentReference;
  /** The CDA, byte for byte. */
  bytes: Uint8Array;
  patient?: Patient;
  replaces?: Identifier;
  sender?: Party;
  recipients: Party[];
  replyTo?: Party;
  body?: string;
  request?: string;
  /** The mail that brought it. */
  mail?: { id: string; subject: string; text: string; from?: string; to: string[] };
}

type Segment = [name: string, ...fields: Written[]];

const events = {
  new: { event: 'T02', control: 'NW', status: 'F' },
  replace: { event: 'T10', control: 'RO', status: 'C' },
  withdraw: { event: 'T04', control: 'CA', status: 'D' },
};

/**
 * MDM^T02, T10 or T04 in profile 1.1^CISIS_CDA_HL7_LPS (HL7 v2.6). Who the patient is is taken from the document, because PID
 * must name whom the document names.
 */
export function mdm(letter: Letter, controlId: string, { application, facility, practice }: MllpOutConfig): Uint8Array {
  const { reference, replaces } = letter;
  const isWithdrawn = reference.status === 'entered-in-error';
  const kind = events[isWithdrawn ? 'withdraw' : replaces ? 'replace' : 'new'];
  const now = time(new Date().toISOString());
  const type = typeOf(reference);
  const parent = kind.event === 'T10' && replaces ? entity(replaces) : '';
  const author = letter.sender?.person?.identifier?.value ?? '';
  const named = identity(readCda(letter.bytes).tree);
  const id = reference.masterIdentifier ?? named.document.id;
  const segments: Segment[] = [
    ['MSH', application, facility, practice?.application ?? '', practice?.facility ?? '', now, ''],
    ['EVN', '', now],
    pid(named.patient, letter.patient),
    ['PV1', '1', 'N'],
    ['ORC', kind.control],
    ['OBR', '1', '', '', type],
    txa(reference, id, type, parent, author),
    ['OBX', '1', 'ED', type, '', ['', 'text', 'XML', 'Base64', letter.bytes], ...blank(5), kind.status],
    ...participations(letter),
    aboutMail(letter),
    ...flags(reference),
  ];
  const [header] = segments;
  header!.push(['MDM', kind.event, 'MDM_T02'], controlId, 'P', '2.6', ...blank(4), 'FRA', 'UNICODE UTF-8', ...blank(2));
  header!.push(['1.1', 'CISIS_CDA_HL7_LPS']);
  return write(compose(segments));
}

const sexes: Record<string, string> = { male: 'M', female: 'F', other: 'O' };

function pid(named: CdaIdentity['patient'], patient: Patient | undefined): Segment {
  const name = named.name.find(({ use }) => use === 'official') ?? named.name[0];
  const given = name?.given?.join(' ') ?? '';
  const numbers = named.identifier.map((one): WrittenComponent[] => {
    const isNational = isIns(one.system);
    return [one.value, '', '', authority(one, isNational ? 'ASIP-SANTE-INS-NIR' : ''), isNational ? 'INS' : 'PI'];
  });
  const birth = named.birthDate?.replaceAll('-', '') ?? '';
  return [
    'PID',
    '1',
    '',
    { repetitions: numbers },
    '',
    [name?.family, name?.given?.[0] ?? '', given, '', '', '', 'L'],
    '',
    birth,
    sexes[named.gender ?? ''] ?? 'U',
    ...blank(2),
    named.birthPlace ? ['', '', '', '', '', '', 'BDL', '', named.birthPlace] : '',
    ...blank(20),
    patient && isQualified(patient) ? 'VALI' : 'PROV',
  ];
}

function authority({ system = '' }: Identifier, name: string): string[] {
  return [name, system.replace(/^urn:oid:/, ''), 'ISO'];
}

function typeOf({ type }: DocumentReference): WrittenComponent[] {
  const coding = type?.coding?.[0];
  const system = coding?.system === 'http://loinc.org' ? 'LN' : (coding?.system?.split('/').at(-1) ?? '');
  return [coding?.code ?? '', coding?.display ?? type?.text ?? '', system];
}

/** TXA-12 is the number by which the document is known here, else its own: the receiver compares it with the CDA's. */
function txa(
  reference: DocumentReference,
  id: Identifier | undefined,
  type: WrittenComponent[],
  parent: Written,
  author: string,
): Segment {
  const number = id ? entity(id) : (reference.id ?? '');
  const at = time(reference.date ?? '');
  return ['TXA', '1', String(type[0]), 'TEXT', at, ...blank(7), number, parent, ...blank(3), 'AU', ...blank(4), author];
}

/** `ROOT` alone, or `EXTENSION^^ROOT^ISO`. */
function entity({ system = '', value = '' }: Identifier): Written {
  if (system.startsWith('urn:oid:')) return [value, '', system.slice('urn:oid:'.length), 'ISO'];
  return value.replace(/^urn:(oid|uuid):/, '');
}

function participations({ sender, recipients, replyTo, mail }: Letter): Segment[] {
  const named = recipients.length > 0 ? recipients : (mail?.to ?? []).map((one): Party => ({ mail: one }));
  const from = { ...sender, ...(mail?.from ? { mail: mail.from } : {}) };
  return [
    participation('SB', from),
    ...named.slice(0, 50).map((one) => participation('RCT', one)),
    ...(replyTo?.mail ? [participation('REPLY', { mail: replyTo.mail })] : []),
  ];
}

function participation(role: string, { person, organization, mail }: Party): Segment {
  const number = person?.identifier;
  const structure = organization?.identifier;
  return [
    'PRT',
    '',
    'UC',
    '',
    [role, '', 'participation'],
    number || person?.family
      ? [
          number?.value,
          person?.family,
          person?.given,
          ...blank(5),
          number ? authority(number, 'ASIP-SANTE-PS') : '',
          'D',
          ...blank(2),
          isIns(number?.system) ? 'INS' : 'IDNPS',
        ]
      : '',
    ...blank(2),
    organization
      ? [
          organization.name,
          ...blank(4),
          structure ? authority(structure, 'ASIP-SANTE-ST') : '',
          'IDNST',
          '',
          '',
          structure?.value,
        ]
      : '',
    ...blank(6),
    mail ? ['', '', 'X.400', mail] : '',
  ];
}

/** OBX-3.1 the mail's Message-ID, OBX-3.2 its subject; without a mail, the message that brought the document. */
function aboutMail({ mail, body, request, reference }: Letter): Segment {
  const id = mail?.id || request || reference.id || '';
  const subject = mail?.subject || typeOf(reference)[1];
  const text = Buffer.from(mail?.text || body || '', 'utf8');
  return ['OBX', '2', 'ED', [id, subject], '', ['', 'text', '', 'Base64', text], ...blank(5), 'F'];
}

const masks: [code: string, label: string, said: RegExp][] = [
  ['MASQUE_PS', 'Masqué aux professionnels de Santé', /^MASQUE_PS$/],
  ['INVISIBLE_PATIENT', 'Document Non Visible par le patient', /^INVISIBLE_PATIENT$/],
  ['INVISIBLE_REP_LEGAUX', 'Non visible par les représentants Légaux du patient', /^INVISIBLE_REP/],
  ['MODIF_CONF_CODE', 'Modification Confidentiality Code', /^MODIF_CONF_CODE$/],
];

function flags({ securityLabel }: DocumentReference): Segment[] {
  const codes = (securityLabel ?? []).flatMap(({ coding }) => coding?.flatMap(({ code }) => code ?? []) ?? []);
  return masks.map(([code, label, said], index) => [
    'OBX',
    String(index + 3),
    'CWE',
    [code, label, 'MetaDMPMSS'],
    '',
    [codes.some((one) => said.test(one)) ? 'Y' : 'N', '', 'expandedYes-NoIndicator'],
    ...blank(5),
    'F',
  ]);
}

function blank(count: number): string[] {
  return Array.from({ length: count }, () => '');
}

/** An instant as HL7 writes it, in UTC. */
function time(instant: string): string {
  const at = new Date(instant);
  return Number.isNaN(at.getTime()) ? '' : `${at.toISOString().slice(0, 19).replace(/[-:T]/g, '')}+0000`;
}
