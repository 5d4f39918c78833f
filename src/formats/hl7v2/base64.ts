/** Base64 out of bytes, piece by piece: a payload of 40 MB never becomes one string. */

/** Characters decoded at a time; a multiple of four. So short a string dies young: no memory to speak of. */
const PIECE = 4 * 1024;
const EQUALS = 0x3d;
const BACKSLASH = 0x5c;

/** What was decoded, and how it departed from clean base64. */
export interface Base64 {
  bytes: Uint8Array;
  /** Neither padded nor a multiple of four characters: accepted, French senders leave the padding out. */
  unpadded: boolean;
  /** Blanks, line breaks or HL7 escapes (`\.br\`, `\X0D\`) stood between the characters. */
  blanks: boolean;
  /** Offset of the first byte that is not base64; what stood before it is decoded. */
  illegalAt?: number;
  /** One character is left over: the end is missing. */
  truncated: boolean;
}

const ILLEGAL = -1;
const BLANK = -2;
const KIND = new Int8Array(256).fill(ILLEGAL);
for (const character of 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_') {
  KIND[character.charCodeAt(0)] = 1;
}
for (const blank of [0x20, 0x09, 0x0a, 0x0d]) KIND[blank] = BLANK;

/** Decodes standard and URL-safe base64 (RFC 4648), padding optional, blanks skipped. Never throws. */
export function decodeBase64(encoded: Uint8Array): Base64 {
  const source = Buffer.from(encoded.buffer, encoded.byteOffset, encoded.byteLength);
  const clean = decodeClean(source);
  return clean ?? decodeAny(source);
}

/** The usual case, at the speed of the native decoder; undefined when anything but base64 stands inside. */
function decodeClean(source: Buffer): Base64 | undefined {
  let end = source.length;
  while (end > 0 && end > source.length - 2 && source[end - 1] === EQUALS) end--;
  if (end % 4 === 1) return undefined;
  const bytes = Buffer.allocUnsafeSlow(Math.floor((end * 3) / 4));
  let written = 0;
  for (let at = 0; at < end; at += PIECE) {
    const piece = Math.min(PIECE, end - at);
    const count = bytes.write(source.toString('latin1', at, at + piece), written, 'base64');
    if (count !== Math.floor((piece * 3) / 4)) return undefined;
    written += count;
  }
  return { bytes, unpadded: source.length % 4 !== 0, blanks: false, truncated: false };
}

/** Squeezes blanks and escapes out first, up to the first character that is not base64. */
function decodeAny(source: Buffer): Base64 {
  const squeezed = Buffer.allocUnsafeSlow(source.length);
  let length = 0;
  let blanks = false;
  let padding = 0;
  let illegalAt: number | undefined;
  for (let at = 0; at < source.length; at++) {
    const byte = source[at]!;
    const kind = KIND[byte];
    if (kind === 1 && padding === 0) squeezed[length++] = byte;
    else if (kind === BLANK) blanks = true;
    else if (byte === EQUALS && padding < 2) padding++;
    else {
      const close = byte === BACKSLASH ? source.subarray(at, at + 12).indexOf(BACKSLASH, 1) : -1;
      if (close < 0) {
        illegalAt = at;
        break;
      }
      blanks = true;
      at += close;
    }
  }
  const truncated = length % 4 === 1;
  const usable = squeezed.subarray(0, truncated ? length - 1 : length);
  const bytes = decodeClean(usable)?.bytes ?? new Uint8Array(0);
  return {
    bytes,
    unpadded: (length + padding) % 4 !== 0,
    blanks,
    truncated,
    ...(illegalAt === undefined ? {} : { illegalAt }),
  };
}
