/** Replaces references inside a Bundle by those the server gave, https://hl7.org/fhir/R4/http.html#trules */

/** Elements that hold references or addresses; identifiers and text that look like them stay as they are. */
const ADDRESS = /^(reference|url|uri|valueUri|valueUrl|valueCanonical|instantiatesUri|instantiatesCanonical)$/;

/** Answers what an address is to be replaced by; `element` is the name of the element that holds it. */
export type Resolve = (address: string, element: string) => string | undefined;

/**
 * A copy of a resource in which `resolve` has replaced what it knows. Parts without a replacement are shared with the
 * original, which is never changed.
 */
export function rewritten<T>(node: T, resolve: Resolve): T {
  return rewrite(node, '', resolve) as T;
}

function rewrite(node: unknown, name: string, resolve: Resolve): unknown {
  if (typeof node === 'string') {
    if (name === 'div') return narrative(node, resolve);
    return ADDRESS.test(name) ? (resolve(node, name) ?? node) : node;
  }
  if (node === null || typeof node !== 'object' || node instanceof Uint8Array) return node;
  if (Array.isArray(node)) return list(node, name, resolve);
  let copy: Record<string, unknown> | undefined;
  for (const key in node) {
    const before = (node as Record<string, unknown>)[key];
    const after = rewrite(before, key, resolve);
    if (after !== before) {
      copy ??= { ...node };
      copy[key] = after;
    }
  }
  return copy ?? node;
}

function list(nodes: unknown[], name: string, resolve: Resolve): unknown[] {
  let copy: unknown[] | undefined;
  for (let at = 0; at < nodes.length; at++) {
    const after = rewrite(nodes[at], name, resolve);
    if (after !== nodes[at]) {
      copy ??= [...nodes];
      copy[at] = after;
    }
  }
  return copy ?? nodes;
}

/** Links and images of the narrative. */
function narrative(div: string, resolve: Resolve): string {
  if (!div.includes('="urn:')) return div;
  return div.replace(/(href|src)="(urn:(?:uuid|oid):[\w.-]{1,80})"/g, (whole, attribute, address) => {
    const known = resolve(address, attribute);
    return known ? `${attribute}="${known}"` : whole;
  });
}
