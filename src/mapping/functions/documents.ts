import { hash } from 'node:crypto';
import { LONG_BYTES, LongBase64 } from '../../formats/fhir/long-base64.ts';
import type { Run } from '../run.ts';
import { object, single, text } from '../values.ts';
import type { MapFunction } from './function.ts';

/** The bytes of each Binary made here, so that its attachment need not decode them again. */
const contents = new WeakMap<object, Uint8Array>();

/** `binary(bytes, contentType)`: a Binary resource with the exact bytes; nothing without bytes. */
const binary: MapFunction = {
  args: [2, 2],
  type: 'Binary',
  call: (run, bytes, contentType) => {
    const content = bytesOf(bytes);
    if (!content) return undefined;
    const isLong = content.length >= LONG_BYTES;
    const data = isLong ? new LongBase64(content, content === run.session.context.bytes) : base64Of(content);
    const made = { resourceType: 'Binary', contentType: text(contentType), data };
    contents.set(made, content);
    return made;
  },
};

/**
 * `attachment(binary, title?, language?)`: an Attachment that points at the Binary draft, with content type, size in
 * bytes and SHA-1 (https://hl7.org/fhir/R4/datatypes.html#Attachment). `binary` is the variable of a Binary this map made.
 */
const attachment: MapFunction = {
  args: [1, 3],
  base: true,
  type: 'Attachment',
  call: (run, source, title, language) => {
    const resource = object(source) as { contentType?: string; data?: string } | undefined;
    if (!resource) return undefined;
    const content = contents.get(resource) ?? Buffer.from(resource.data ?? '', 'base64');
    const holder: Record<string, unknown> = { contentType: resource.contentType };
    if (text(language)) holder.language = text(language);
    holder.url = '';
    holder.size = content.length;
    holder.hash = hash('sha1', content, 'base64');
    if (text(title)) holder.title = text(title);
    const { session, document, rule, owner, key: ownerKey } = run;
    session.links.push({ holder, property: 'url', resource, document, rule, owner, ownerKey });
    return holder;
  },
};

/** `base64(x)`: bytes, or a text in UTF-8, as base64. */
const base64: MapFunction = { args: [1, 1], call: (_run, value) => mapBytes(value, base64Of) };

/** `sha1(x)`: SHA-1 as base64, as Attachment.hash wants it. */
const sha1: MapFunction = {
  args: [1, 1],
  call: (_run, value) => mapBytes(value, (bytes) => hash('sha1', bytes, 'base64')),
};

/** `size(x)`: how many bytes. */
const size: MapFunction = { args: [1, 1], call: (_run, value) => mapBytes(value, (bytes) => bytes.length) };

/** `part('place')`: the bytes of the embedded part at that place of the message. */
const part: MapFunction = {
  args: [1, 1],
  call: (run: Run, place) => run.document.parts.find((one) => one.place === text(place))?.bytes,
};

/** Functions of the mapping language about bytes and documents inside a message. */
export const documentFunctions: Record<string, MapFunction> = { binary, attachment, base64, sha1, size, part };

function bytesOf(value: unknown): Uint8Array | undefined {
  const one = single(value);
  if (one instanceof Uint8Array) return one.length > 0 ? one : undefined;
  const words = text(one);
  return words === undefined ? undefined : Buffer.from(words, 'utf8');
}

function mapBytes<T>(value: unknown, work: (bytes: Uint8Array) => T): T | undefined {
  const bytes = bytesOf(value);
  return bytes && work(bytes);
}

function base64Of(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
}
