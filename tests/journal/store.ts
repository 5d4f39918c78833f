import type { Clock } from '../../src/journal/clock.ts';
import { newMessageId } from '../../src/journal/id.ts';
import type { Journal, Message, NewDelivery, NewMessage, Settlement } from '../../src/journal/journal.ts';

/** One store of the implementation under test, empty at first, which can be opened again and again. */
export interface Store {
  /** Not opened yet. */
  journal(options?: { clock?: Clock }): Journal;
  /** How a child process is told which journal to open: `sqlite FOLDER`, `postgres URL`. */
  address: string[];
  dispose(): Promise<void>;
}

/** Opens journals of one fresh store and closes them, and the store, at the end of `use`. */
export async function withStore(
  fresh: () => Promise<Store>,
  use: (open: (options?: { clock?: Clock }) => Promise<Journal>, store: Store) => Promise<void>,
): Promise<void> {
  const store = await fresh();
  const opened: Journal[] = [];
  try {
    await use(async (options) => {
      const journal = store.journal(options);
      await journal.open();
      opened.push(journal);
      return journal;
    }, store);
  } finally {
    for (const journal of opened) await journal.close();
    await store.dispose();
  }
}

/** A clock that stands still until it is moved. */
export function handClock(start = Date.now()): Clock & { advance(ms: number): void } {
  let time = start;
  return {
    now: () => time,
    fromWall: (moment) => moment,
    advance: (ms) => {
      time += ms;
    },
  };
}

export function newMessage(more: Partial<NewMessage> & { text?: string } = {}): NewMessage {
  const { text = 'MSH|^~\\&|A', ...rest } = more;
  return {
    id: newMessageId(),
    incoming: { door: 'mllp', bytes: Buffer.from(text), format: 'hl7v2' },
    state: 'accepted',
    faults: [],
    lane: '',
    kind: 'ADT^A08',
    sender: 'HOSPITAL',
    receivedAt: Date.now(),
    ...rest,
  };
}

export const LEASE = 30_000;

type Final = Exclude<Settlement, { state: 'accepted' }>;

export const delivered: Final = { state: 'delivered', faults: [], references: ['Patient/1'] };

export function withDeliveries(...deliveries: NewDelivery[]): Final {
  return { ...delivered, deliveries };
}

export function newDelivery(destination: string, more: Partial<NewDelivery> = {}): NewDelivery {
  return { id: newMessageId(), destination, kind: 'mail', payload: { subject: 'x' }, ...more };
}

/** Claims, and settles all of it, until nothing can be claimed; answers the messages in the order of their claims. */
export async function drain(
  journal: Journal,
  settlement: () => Settlement = () => delivered,
  limit = 100,
): Promise<Message[]> {
  const all: Message[] = [];
  for (;;) {
    const claimed = await journal.claim(limit, LEASE);
    if (claimed.length === 0) return all;
    all.push(...claimed);
    await Promise.all(claimed.map((one) => journal.settle(one.id, settlement(), one.attempts)));
  }
}

export const ids = (some: { id: string }[]): string[] => some.map((one) => one.id);
