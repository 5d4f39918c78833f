/**
 * Shortens references that name a resource by an address of this very API, as answers give them (`fullUrl`), to `Type/id`:
 * whoever looks for what is about a patient finds it by that alone. Addresses of other servers stay. Changes the tree in place.
 * https://hl7.org/fhir/R4/references.html#literal
 * @param bases addresses of the API, without a final slash
 */
export function localise(tree: unknown, bases: readonly string[]): void {
  if (bases.length === 0 || tree === null || typeof tree !== 'object' || ArrayBuffer.isView(tree)) return;
  for (const name in tree) {
    const value = (tree as Record<string, unknown>)[name];
    if (typeof value === 'object') localise(value, bases);
    else if (name === 'reference' && typeof value === 'string' && value.startsWith('http')) {
      const base = bases.find((one) => value.startsWith(`${one}/`));
      if (base) (tree as Record<string, unknown>)[name] = value.slice(base.length + 1);
    }
  }
}
