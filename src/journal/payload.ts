/**
 * What is handed out to a destination, as bytes: JSON, and the `Uint8Array`s of it taken out and put behind, so that a
 * document of 40 MB is neither turned into base64 nor parsed as text.
 *
 * Without such arrays: `json`, the text. With them: `json+bytes`, four bytes big-endian length of the head, the head
 * `{"value":…,"bytes":[[path, length],…]}`, then the arrays one after the other.
 */
export interface EncodedPayload {
  encoding: 'json' | 'json+bytes';
  bytes: Uint8Array;
}

type Path = (string | number)[];

/** Encodes JSON values with `Uint8Array`s anywhere in them. What JSON cannot say (undefined, functions) is dropped. */
export function encodePayload(payload: unknown): EncodedPayload {
  const found: { path: Path; bytes: Uint8Array }[] = [];
  const value = withoutBytes(payload, [], found);
  if (found.length === 0) return { encoding: 'json', bytes: Buffer.from(JSON.stringify(value) ?? 'null') };
  const head = Buffer.from(JSON.stringify({ value, bytes: found.map(({ path, bytes }) => [path, bytes.length]) }));
  const length = Buffer.alloc(4);
  length.writeUInt32BE(head.length);
  return { encoding: 'json+bytes', bytes: Buffer.concat([length, head, ...found.map((one) => one.bytes)]) };
}

/** The value `encodePayload` was given; its byte arrays are views of `encoded.bytes`. */
export function decodePayload(encoded: EncodedPayload): unknown {
  const buffer = Buffer.from(encoded.bytes.buffer, encoded.bytes.byteOffset, encoded.bytes.byteLength);
  if (encoded.encoding === 'json') return JSON.parse(buffer.toString());
  const headEnd = 4 + buffer.readUInt32BE(0);
  const head = JSON.parse(buffer.toString('utf8', 4, headEnd)) as { value: unknown; bytes: [Path, number][] };
  const root = { value: head.value };
  let offset = headEnd;
  for (const [path, length] of head.bytes) {
    put(root, ['value', ...path], new Uint8Array(buffer.buffer, buffer.byteOffset + offset, length));
    offset += length;
  }
  return root.value;
}

/** A copy with null in place of each byte array; parts without any are not copied. */
function withoutBytes(value: unknown, path: Path, found: { path: Path; bytes: Uint8Array }[]): unknown {
  if (value === null || typeof value !== 'object') return value;
  if (value instanceof Uint8Array) {
    found.push({ path: [...path], bytes: value });
    return null;
  }
  const before = found.length;
  const entries = Object.entries(value).map(([name, inner]): [string, unknown] => {
    path.push(Array.isArray(value) ? Number(name) : name);
    const copy = withoutBytes(inner, path, found);
    path.pop();
    return [name, copy];
  });
  if (found.length === before) return value;
  return Array.isArray(value) ? entries.map(([, inner]) => inner) : Object.fromEntries(entries);
}

function put(root: object, path: Path, bytes: Uint8Array): void {
  let at = root as Record<string | number, unknown>;
  for (const step of path.slice(0, -1)) at = at[step] as Record<string | number, unknown>;
  Object.defineProperty(at, path.at(-1)!, { value: bytes, writable: true, enumerable: true, configurable: true });
}
