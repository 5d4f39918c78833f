/** Verdict → acknowledgement. */
import { type Fault, fault, isError, PasserelleError, register } from '../../errors.ts';
import { type AcknowledgementCode, acknowledge, type Envelope, envelope } from '../../formats/hl7v2/index.ts';
import type { Verdict } from '../../message.ts';
import type { MllpConfig } from './config.ts';

let counter = 0;
const started = Date.now().toString(36).toUpperCase();

/** MSH-10 of an acknowledgement: unique for this listener, at most 20 characters as versions before 2.7 allow. */
function controlId(): string {
  counter = (counter + 1) % 0xffffffff;
  return `P${started}${counter.toString(36).toUpperCase()}`.slice(0, 20);
}

/** True when the sender must be told no; a message that died later was accepted once, and still is to its sender. */
function refusal(verdict: Verdict): Fault[] {
  const refused = verdict.state === 'refused' || verdict.state === 'quarantined';
  return refused ? verdict.faults.filter(isError) : [];
}

/** What a failed `accept` is told as: its own faults when it names some, else that nothing could be written. */
export function faultsOf(error: unknown): Fault[] {
  if (error instanceof PasserelleError && error.faults.length > 0) return error.faults;
  return [fault('not-durable')];
}

/** All acknowledgements one message calls for; none when MSH-15 and MSH-16 want none. */
export function answers(
  message: Uint8Array,
  verdict: Verdict | Fault[],
  mode: MllpConfig['acknowledge'],
): Uint8Array[] {
  const faults = Array.isArray(verdict) ? verdict : refusal(verdict);
  const word = faults.length === 0 ? 'A' : worst(faults);
  const at = new Date();
  const seen = envelope(message);
  const write = (kind: 'A' | 'C'): Uint8Array =>
    acknowledge(seen, { code: `${kind}${word}` as AcknowledgementCode, faults, controlId: controlId(), at });
  if (mode === 'original') return [write('A')];
  if (mode === 'header' && !seen.acceptAcknowledgement && !seen.applicationAcknowledgement) return [write('A')];
  return enhanced(seen, word === 'A', mode, write);
}

/** AR outweighs AE: the content may be right when the circumstances are not. */
function worst(faults: Fault[]): 'E' | 'R' {
  return faults.some((one) => register[one.code].msa === 'AR') ? 'R' : 'E';
}

/** Table 0155: AL always, NE never, ER when refused, SU when accepted; of two fields the empty one means never. */
function enhanced(
  seen: Envelope,
  accepted: boolean,
  mode: MllpConfig['acknowledge'],
  write: (kind: 'A' | 'C') => Uint8Array,
): Uint8Array[] {
  const wants = (condition: string): boolean =>
    condition === 'AL' || (condition === 'ER' && !accepted) || (condition === 'SU' && accepted);
  const commit = seen.acceptAcknowledgement || (mode === 'enhanced' && !seen.applicationAcknowledgement ? 'AL' : 'NE');
  return [...(wants(commit) ? [write('C')] : []), ...(wants(seen.applicationAcknowledgement) ? [write('A')] : [])];
}
