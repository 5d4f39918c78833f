import type { DeliveryOutcome, News, Receipt, Written } from '../adapter.ts';
import type { NamedDoor } from '../doors.ts';
import { type Fault, isError } from '../errors.ts';
import type { DeliveryRecord, Journal, Message, NewDelivery } from '../journal/journal.ts';
import type { Format } from '../message.ts';
import type { House } from '../pipeline/house.ts';
import { translate } from '../pipeline/translate.ts';
import { unwrap } from '../pipeline/unwrap.ts';
import { deliveryOf, wantedBy } from './destinations.ts';

/** Tells doors how deliveries of others went, and writes down what they want done about it. */
export interface Newsroom {
  /** Before the end of a delivery is written: told again after a crash, the same wishes are there already. */
  ended(messageId: string, deliveryId: string, outcome: DeliveryOutcome): Promise<void>;
  /**
   * What is to be told because a message was refused, or held for a person, after it had been acknowledged: what it would
   * have handed out will not go. Changes nothing; the same message gives the same deliveries.
   */
  refused(message: Refused, faults: Fault[]): Promise<NewDelivery[]>;
  /** A late answer, by the key its delivery announced. */
  receipt(key: string, receipt: Receipt): Promise<void>;
}

type Refused = Pick<Message, 'id' | 'sender' | 'receivedAt' | 'incoming'>;

/** A message whose door out is told something; its bytes are in the journal. */
type Told = Omit<Refused, 'incoming'> & { incoming: Omit<Message['incoming'], 'bytes'> };

/** Which delivery the news is about, and whom it was for. */
type Addressed = Pick<DeliveryRecord, 'id' | 'destination' | 'kind' | 'recipient'>;

/** Stands for the document that was not written; nobody reads it. */
const UNWRITTEN = 'DocumentReference/unwritten';

/**
 * Whom a delivery was for is kept with it; what the sender asked is worked out from the message again: reading and mapping are
 * pure, and happen only where a door listens.
 */
export function createNewsroom(
  journal: Pick<Journal, 'get' | 'bytes' | 'follow' | 'receipt'>,
  house: Pick<House, 'translator' | 'extractor' | 'now'>,
  doors: NamedDoor[],
  destinations: string[],
): Newsroom {
  const listeners = () => doors.filter(({ name, door }) => door.hears && destinations.includes(name));

  /** What the doors out were given, from the bytes of the journal: the pipeline gives large ones back once it has decoded them. */
  async function writtenOf({ id, sender, receivedAt, incoming: said }: Told, references: string[]) {
    const bytes = await journal.bytes(id);
    if (!bytes) return undefined;
    const incoming = { ...said, bytes };
    const { orders } = translate(await unwrap(incoming), { incoming, sender, receivedAt }, house);
    return { messageId: id, sender, receivedAt: new Date(receivedAt), orders, references } satisfies Written;
  }

  async function spread(messageId: string, deliveryId: string, event: News['event']): Promise<void> {
    if (listeners().length === 0) return;
    const record = await journal.get(messageId);
    if (!record) return;
    const { door, format, route } = record;
    const incoming = { door, format: format as Format | undefined, route };
    const written = await writtenOf({ ...record, incoming }, record.references);
    if (!written) return;
    const delivery = record.deliveries.find((one) => one.id === deliveryId);
    const wishes = delivery ? wishesFor(written, delivery, event) : [];
    if (wishes.length > 0) await journal.follow(messageId, wishes);
  }

  function wishesFor(written: Written, delivery: Addressed, event: News['event']): NewDelivery[] {
    const { messageId, sender, receivedAt, orders } = written;
    const { id, destination, kind, recipient } = delivery;
    const about = { id, destination, kind, ...(recipient ? { recipient } : {}) };
    const news: News = { messageId, sender, receivedAt, orders, delivery: about, event, at: house.now() };
    return listeners().flatMap((one) =>
      (one.door.hears?.(news) ?? []).map((wanted) => deliveryOf(messageId, one.name, wanted)),
    );
  }

  return {
    async ended(messageId, deliveryId, outcome) {
      if (outcome.outcome === 'delivered') await spread(messageId, deliveryId, { kind: 'delivered' });
      if (outcome.outcome === 'permanent')
        await spread(messageId, deliveryId, { kind: 'dead', faults: outcome.faults });
    },
    async refused({ incoming: { interaction, ...incoming }, ...message }, faults) {
      if (listeners().length === 0 || interaction) return [];
      const written = await writtenOf({ ...message, incoming }, [UNWRITTEN]);
      if (!written?.orders) return [];
      const event = { kind: 'dead', faults: faults.filter(isError) } as const;
      return wantedBy(doors, destinations, written).flatMap((one) => wishesFor(written, one, event));
    },
    async receipt(key, receipt) {
      const found = await journal.receipt(key, receipt);
      if (found) await spread(found.messageId, found.deliveryId, { kind: 'receipt', receipt });
    },
  };
}
