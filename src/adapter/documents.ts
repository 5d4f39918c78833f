import type { Written } from '../adapter.ts';

/** `DocumentReference/id` of the documents that a message has brought, in its order: what doors to others may pass on. */
export function transmittedBy({ documents, references }: Written): string[] {
  return documents ?? references.filter((one) => one.startsWith('DocumentReference/'));
}
