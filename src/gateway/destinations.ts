import type { Written } from '../adapter.ts';
import type { NamedDoor } from '../doors.ts';
import type { NewDelivery } from '../journal/journal.ts';
import { seedUuid } from '../seed.ts';

/** What the destinations want to hand out because of a message; the same message always gives the same deliveries. */
export function wantedBy(doors: NamedDoor[], destinations: string[], written: Written): NewDelivery[] {
  return doors.flatMap(({ name, door }) =>
    destinations.includes(name) && door.wants
      ? door.wants(written).map(({ part, ...wanted }) => ({
          id: seedUuid('delivery', written.messageId, name, part),
          destination: name,
          ...wanted,
        }))
      : [],
  );
}
