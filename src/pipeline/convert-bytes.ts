import type { Bundle, OperationOutcome } from '@medplum/fhirtypes';
import type { Conversion } from '../conversion.ts';
import { type Fault, fault, isError, operationOutcome } from '../errors.ts';
import { newMessageId } from '../journal/id.ts';
import { assemble } from '../mapping/assemble.ts';
import type { Format } from '../message.ts';
import { expand, noSurroundings, react } from '../pathway/index.ts';
import type { House } from './house.ts';
import { inspectBeforeMapping } from './inspect.ts';
import { judge } from './judge.ts';
import { translate } from './translate.ts';
import { unwrap } from './unwrap.ts';

/** The rooms that the pure part needs. */
export type PureHouse = Pick<House, 'translator' | 'examiner' | 'extractor' | 'pathway'>;

/** What is known of the bytes besides themselves. */
export interface ConvertOptions {
  route?: string;
  contentType?: string;
  now: Date;
  /** As the door would know it; not told from the bytes when given. */
  format?: Format;
  sender?: string;
  /** Id that the message would have; a new one by default. */
  messageId?: string;
  /** What makes the message itself and not another; the bytes by default. */
  idempotencyKey?: string;
  /** Work out what became of every value of the source. */
  account?: boolean;
}

/** A bundle, or an outcome that says why not; `issues` are all of them, with their places. */
export interface Converted {
  bundle?: Bundle;
  outcome?: OperationOutcome;
  issues: Fault[];
  conversion?: Conversion;
}

/**
 * The pure part of the pipeline on some bytes: unwrap, inspect, map, judge, and the rules on what the message itself says.
 * Nobody is looked up, nothing is stored or sent; the patient is written by a conditional create or update.
 */
export async function convertBytes(bytes: Uint8Array, options: ConvertOptions, house: PureHouse): Promise<Converted> {
  const {
    route,
    contentType,
    format,
    now,
    sender = 'convert',
    messageId: id = newMessageId(),
    idempotencyKey,
  } = options;
  const incoming = { door: 'convert', bytes, contentType, route, format, idempotencyKey };
  const unwrapped = await unwrap(incoming);
  const early = [...unwrapped.faults, ...inspectBeforeMapping(unwrapped)];
  if (early.some(isError)) return refused(early);
  const sent = { incoming, sender, receivedAt: now.getTime() };
  const conversion = translate(unwrapped, sent, house, options.account);
  expand(conversion, house.pathway, now);
  const issues = [...early, ...conversion.faults, ...judge(conversion, house)];
  if (issues.some(isError)) return { ...refused(issues), conversion };
  if (conversion.drafts.length === 0 && conversion.intents.length === 0) {
    return { ...refused([...issues, fault('nothing-converted')]), conversion };
  }
  if (conversion.subject) {
    const reactions = react(conversion, noSurroundings(conversion.subject, now), house.pathway);
    conversion.drafts.push(...reactions);
  }
  const bundle = assemble(conversion, { message: { id, sender, receivedAt: now.getTime() } });
  return { bundle, issues, conversion };
}

function refused(issues: Fault[]): Converted {
  return { outcome: operationOutcome(issues), issues };
}
