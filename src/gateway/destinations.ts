import type { Delivery, DeliveryOutcome, Ended, Wanted, Written } from '../adapter.ts';
import type { NamedDoor } from '../doors.ts';
import type { NewDelivery } from '../journal/journal.ts';
import { seedUuid } from '../seed.ts';

/** A wish with the id that message, destination and part give it. */
export function deliveryOf(messageId: string, destination: string, { part, ...wanted }: Wanted): NewDelivery {
  return { id: seedUuid('delivery', messageId, destination, part), destination, ...wanted };
}

/** What the destinations want to hand out because of a message; the same message always gives the same deliveries. */
export function wantedBy(doors: NamedDoor[], destinations: string[], written: Written): NewDelivery[] {
  return doors.flatMap(({ name, door }) =>
    destinations.includes(name) && door.wants
      ? door.wants(written).map((wanted) => deliveryOf(written.messageId, name, wanted))
      : [],
  );
}

/** What the door that a message came in by wants its sender to be told. */
export async function answersOf(
  doors: NamedDoor[],
  destinations: string[],
  name: string,
  ended: Ended,
): Promise<NewDelivery[]> {
  const door = destinations.includes(name) ? doors.find((one) => one.name === name)?.door : undefined;
  const wanted = (await door?.answers?.(ended)) ?? [];
  return wanted.map((one) => deliveryOf(ended.messageId, name, one));
}

/** What a door has left to do of a delivery that has ended. */
export function leftBy({ messageId, destination }: Delivery, outcome: DeliveryOutcome): NewDelivery[] {
  const left = 'left' in outcome ? (outcome.left ?? []) : [];
  return left.map((one) => deliveryOf(messageId, destination, one));
}
