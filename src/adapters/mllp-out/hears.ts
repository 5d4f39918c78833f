import { createHash } from 'node:crypto';
import type { News, Wanted } from '../../adapter.ts';
import type { Orders, Party } from '../../conversion.ts';
import { type Fault, register } from '../../errors.ts';
import { compose, type Written, write } from '../../formats/hl7v2/index.ts';
import type { MllpOutConfig } from './config.ts';

/** One message to send. */
export interface MllpPayload {
  controlId: string;
  message: Uint8Array;
}

/** What is told: which acknowledgement, yes or no, and why not. */
interface Answer {
  event: 'Z01' | 'Z02' | 'Z03';
  yes: boolean;
  /** Code, its display when it has one, and the table it is of. */
  error?: [code: string, display: string, table: string];
}

/**
 * The business acknowledgements of a document's sender, CI-SIS "Transmission de documents CDA en HL7 v2": ZAM^Z01 that the
 * document is in the shared record, ZAM^Z02 that the mail reached its recipient, ZAM^Z03 that it was read or taken in; each
 * once for a recipient, and only when asked for.
 */
export function hearsOf(news: News, config: MllpOutConfig): Wanted[] {
  const { orders, delivery } = news;
  const { request } = orders ?? {};
  if (!orders || !request?.controlId) return [];
  if (config.facilities.length > 0 && !config.facilities.includes(request.facility)) return [];
  const answer = answerTo(news, config);
  if (!answer || !isAsked(answer, orders)) return [];
  const part = `${answer.event}/${answer.yes ? 'Y' : 'N'}/${delivery.id}`;
  const controlId = createHash('sha256').update(`${news.messageId}|${part}`).digest('hex').slice(0, 20).toUpperCase();
  const message = zam(answer, { ...news, request }, controlId, config);
  return [{ part, kind: 'hl7v2', payload: { controlId, message } satisfies MllpPayload }];
}

function answerTo(news: News, config: MllpOutConfig): Answer | undefined {
  switch (news.delivery.kind) {
    case 'document':
      return sharedAnswer(news);
    case 'mail':
      return mailAnswer(news, config);
    default:
      return undefined;
  }
}

/** Whether the document was taken into the shared record. */
function sharedAnswer({ event }: News): Answer | undefined {
  if (event.kind === 'delivered') return { event: 'Z01', yes: true };
  if (event.kind !== 'dead') return undefined;
  return { event: 'Z01', yes: false, error: shareError(telling(event.faults)) };
}

/** A code of the record's own when it gave one, else the application code of the CI-SIS annex. */
function shareError(found: Fault | undefined): [string, string, string] {
  if (found?.code === 'share-closed') return ['DMPClosed', 'DMP fermé', 'DMPERRORCODE'];
  const given = /\bDMP[A-Za-z]{2,60}\b/.exec(String(found?.params?.codes ?? ''))?.[0];
  return given ? [given, '', 'DMPERRORCODE'] : applicationError(found);
}

/** 900 … 906, CI-SIS error annex. */
function applicationError(found: Fault | undefined): [string, string, string] {
  return [(found && codeOf(found)) ?? '906', '', 'applicationErrorCondition'];
}

function codeOf({ code }: Fault): string | undefined {
  const entry = register[code];
  return 'err5' in entry ? entry.err5 : undefined;
}

/** Of several reasons the first; one that says no more than “other” gives way to one that says what. */
function telling(faults: Fault[]): Fault | undefined {
  const [first] = faults;
  if (first && codeOf(first) !== '906') return first;
  return faults.find((one) => (codeOf(one) ?? '906') !== '906') ?? first;
}

function mailAnswer({ event }: News, { deliveredBy }: MllpOutConfig): Answer | undefined {
  if (event.kind === 'delivered') return deliveredBy === 'smtp' ? { event: 'Z02', yes: true } : undefined;
  if (event.kind === 'dead') {
    const found = telling(event.faults);
    const status = found?.params?.status;
    return { event: 'Z02', yes: false, error: status ? smtpError(String(status)) : applicationError(found) };
  }
  const { kind, code = '' } = event.receipt;
  switch (kind) {
    case 'received':
      return deliveredBy === 'dsn' ? { event: 'Z02', yes: true } : undefined;
    case 'read':
      return { event: 'Z03', yes: true };
    default:
      // A report of processing tells 900 … 906 or that it was thrown away; one of delivery tells SMTP codes.
      if (/^(9\d\d|deleted)$/.test(code)) {
        return { event: 'Z03', yes: false, error: [/^9/.test(code) ? code : '906', '', 'applicationErrorCondition'] };
      }
      return { event: 'Z02', yes: false, error: smtpError(code) };
  }
}

function smtpError(code: string): [string, string, string] {
  return [/^[245]\d\d$/.test(code) ? code : '554', '', 'SMTPERRORCODE'];
}

function isAsked({ event }: Answer, orders: Orders): boolean {
  return event === 'Z03' ? orders.acknowledgeReading : orders.acknowledgeReception;
}

const names = {
  Z01: { answer: ['ACK_RECEPTION_DMP', 'Accusé de réception DMP', 'AckMetierZAM'], party: undefined },
  Z02: {
    answer: ['ACK_RECEPTION_MSS', 'Accusé de réception MSSanté', 'AckMetierZAM'],
    party: ['DESTINATAIRE_MSS', 'Destinataire MSSanté', 'AckMetierZAM'],
  },
  Z03: {
    answer: ['ACK_LECTURE_MSS', 'Accusé de lecture', 'AckMetierZAM'],
    party: ['LECTEUR_MSS', 'Lecteur du courriel MSSanté', 'AckMetierZAM'],
  },
};

type Request = NonNullable<Orders['request']>;

function zam(
  { event, yes, error }: Answer,
  { delivery, request, at }: News & { request: Request },
  controlId: string,
  { application, facility }: MllpOutConfig,
): Uint8Array {
  const time = `${at.toISOString().slice(0, 19).replace(/[-:T]/g, '')}+0000`;
  const name = names[event];
  const header: Written[] = [application, facility, request.application, request.facility, time, ''];
  const rest: Written[] = [
    ['ZAM', event, 'ZAM_Z01'],
    controlId,
    'P',
    '2.6',
    '',
    '',
    '',
    '',
    'FRA',
    'UNICODE UTF-8',
    '',
    '',
  ];
  const segments: [string, ...Written[]][] = [
    ['MSH', ...header, ...rest, ['2.1', 'CISIS_CDA_HL7_V2']],
    ['EVN', '', time],
    [
      'OBX',
      '1',
      'CWE',
      name.answer,
      request.controlId,
      [yes ? 'Y' : 'N', '', 'expandedYes-NoIndicator'],
      '',
      '',
      '',
      '',
      '',
      'F',
    ],
  ];
  const { number, address } = partyOf(delivery.recipient);
  if (name.party && (address || number)) {
    segments.push(['OBX', '2', 'XTN', name.party, number, ['', '', 'X.400', address], '', '', '', '', '', 'F']);
  }
  if (error) {
    segments.push(['ERR', '', '', ['207', 'Application internal error', 'HL70357'], 'E', [...error]]);
  }
  return write(compose(segments));
}

function partyOf(party: Party | undefined): { number: string; address: string } {
  const identifier = party?.person?.identifier ?? party?.organization?.identifier;
  return { number: identifier?.value ?? '', address: party?.mail ?? '' };
}
