import { type Fault, fault } from '../../errors.ts';
import { isBase64Text } from './base64.ts';

/** The text of an XML entity, decoded, with its long base64 runs left in the bytes. */
export interface XmlSource {
  text: string;
  lifted: Lifted[];
}

/** A run of base64 left out of the text: it stood where the text is at `offset`. */
export interface Lifted {
  offset: number;
  bytes: Uint8Array;
}

/** A run that fills a whole window without markup is lifted: all from twice this length on, none below it. */
const WINDOW = 16_384;
const LT = 0x3c;
const GT = 0x3e;

/**
 * Bytes → text by byte order mark or XML declaration (XML 1.0 section 4.3.3, https://www.w3.org/TR/xml/#charencoding).
 */
export function decodeXml(bytes: Uint8Array, lift = true): XmlSource | Fault {
  const label = encodingOf(bytes);
  const decode = decoderFor(label);
  if (!decode) return fault('charset-unknown', { params: { charset: label.slice(0, 40) } });
  try {
    const runs = lift && !/^utf-16/.test(label) ? longRuns(bytes) : [];
    let text = '';
    let from = 0;
    const lifted: Lifted[] = [];
    for (const [start, end] of runs) {
      text += decode(bytes.subarray(from, start));
      lifted.push({ offset: text.length, bytes: bytes.subarray(start, end) });
      from = end;
    }
    return { text: text + decode(bytes.subarray(from)), lifted };
  } catch {
    return fault('charset-invalid', { params: { charset: label } });
  }
}

type Decode = (bytes: Uint8Array) => string;

function decoderFor(label: string): Decode | undefined {
  let decoder: InstanceType<typeof TextDecoder>;
  try {
    decoder = new TextDecoder(label, { fatal: true });
  } catch {
    return undefined;
  }
  return (bytes) => decoder.decode(bytes);
}

/** ISO-8859-1 is read as its superset windows-1252, as every producer of « € » under that name means it. */
function encodingOf(bytes: Uint8Array): string {
  if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) return 'utf-8';
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return 'utf-16le';
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return 'utf-16be';
  if (bytes[0] === LT && bytes[1] === 0) return 'utf-16le';
  if (bytes[0] === 0 && bytes[1] === LT) return 'utf-16be';
  const head = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, 200)).toString('latin1');
  const declared =
    /^\s*<\?xml\s[^>]*?encoding\s*=\s*["']([A-Za-z][\w.-]*)["']/.exec(head)?.[1]?.toLowerCase() ?? 'utf-8';
  return declared.startsWith('utf-16') ? 'utf-8' : declared;
}

/** Start and end of each stretch of base64 between two tags, or inside CDATA, that spans a whole window. */
function longRuns(bytes: Uint8Array): [number, number][] {
  const runs: [number, number][] = [];
  for (let at = 0; at + WINDOW <= bytes.length; ) {
    const stop = bytes.indexOf(LT, at);
    const end = stop < 0 ? bytes.length : stop;
    if (end - at >= WINDOW) {
      const run = baseRun(bytes, at, end);
      if (run) runs.push(run);
    }
    at = Math.max(at + WINDOW, Math.ceil((end + 1) / WINDOW) * WINDOW);
  }
  return runs;
}

function baseRun(bytes: Uint8Array, at: number, stop: number): [number, number] | undefined {
  const tag = bytes.lastIndexOf(GT, at);
  const open = bytes.lastIndexOf(LT, at);
  const cdata = open > tag && startsWith(bytes, open, '<![CDATA[');
  const start = cdata ? open + 9 : tag + 1;
  let end = stop;
  if (cdata) {
    const close = bytes.indexOf(GT, at);
    if (close < 0 || !startsWith(bytes, close - 2, ']]>')) return undefined;
    end = close - 2;
  } else if (open > tag) return undefined;
  return end - start >= WINDOW && isBase64Text(bytes, start, end) ? [start, end] : undefined;
}

function startsWith(bytes: Uint8Array, at: number, text: string): boolean {
  for (let i = 0; i < text.length; i++) if (bytes[at + i] !== text.charCodeAt(i)) return false;
  return true;
}
