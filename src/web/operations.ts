import { FORM, type OwnOperation, ownOperations } from '../adapter/own-operations.ts';

/** What the CapabilityStatement declares besides the server's own operations; `formTypes` are those a form is written from. */
export function declaredOperations(formTypes: Iterable<string>): OwnOperation[] {
  return [...ownOperations, ...[...new Set(formTypes)].map((type) => ({ type, ...FORM }))];
}
