import { fault, PasserelleError } from '../errors.ts';
import type { Message, Settlement } from '../journal/journal.ts';
import type { House } from '../pipeline/house.ts';
import { putOff } from '../pipeline/interaction.ts';
import { processMessage } from '../pipeline.ts';
import type { Metrics } from '../web/metrics.ts';
import type { Newsroom } from './news.ts';

/** How often a message may make the pipeline stumble before it is set aside: the next start of the program may know better. */
const STUMBLES = 8;

/** The pipeline as the worker calls it: whatever happens, the answer says what is to become of the message. */
export function processor(
  house: House,
  metrics: Metrics,
  { refused }: Pick<Newsroom, 'refused'>,
): (message: Message) => Promise<Settlement> {
  return async (message) => {
    const since = performance.now();
    try {
      const settlement = await withAnswers(await processMessage(message, house), message, house, refused);
      metrics.delivery(
        'fhir',
        settlement.state === 'delivered' ? 'delivered' : settlement.state === 'accepted' ? 'transient' : 'permanent',
      );
      house.log.debug(
        { message: message.id, kind: message.kind, state: settlement.state, ms: Math.round(performance.now() - since) },
        'processed',
      );
      return settlement;
    } catch (error) {
      return afterError(error, message, house);
    }
  };
}

/** The end of a message, and what its sender is to be told of it, in one commit. */
async function withAnswers(
  end: Settlement,
  message: Message,
  house: House,
  refused: Newsroom['refused'],
): Promise<Settlement> {
  if (end.state === 'accepted') return end;
  const { state, faults, deliveries = [] } = end;
  const { door, bytes, format } = message.incoming;
  const answers = await house.answers(door, { messageId: message.id, state, faults, bytes, format });
  const isRefused = state === 'refused' || state === 'quarantined';
  const told = isRefused ? await refused(message, faults) : [];
  return answers.length + told.length > 0 ? { ...end, deliveries: [...deliveries, ...answers, ...told] } : end;
}

/** A server that does not answer is waited for; what nobody foresaw is tried again a few times, then set aside for a person. */
function afterError(error: unknown, message: Message, house: House): Settlement {
  if (error instanceof PasserelleError) return putOff(message, house, error.faults[0] ?? fault('fhir-unreachable'));
  house.log.error({ err: error, message: message.id, kind: message.kind }, 'processing failed');
  const found = fault('processing-failed', { detail: String(error) });
  if (message.attempts < STUMBLES) return putOff(message, house, found);
  return { state: 'dead', faults: [found], references: [] };
}
