import type { Format } from '../message.ts';

/** MIME types that leave no doubt, https://hl7.org/fhir/R4/http.html#mime-type and HL7 v2 over HTTP. */
const byContentType: Record<string, Format> = {
  'application/fhir+json': 'fhir',
  'application/fhir+xml': 'fhir',
  'application/json+fhir': 'fhir',
  'application/xml+fhir': 'fhir',
  'application/hl7-v2': 'hl7v2',
  'application/hl7-v2+er7': 'hl7v2',
  'x-application/hl7-v2+er7': 'hl7v2',
  'application/edi-hl7': 'hl7v2',
  'application/hl7-cda+xml': 'cda',
  'application/cda+xml': 'cda',
  'message/rfc822': 'mail',
  'text/csv': 'csv',
  'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet': 'xlsx',
};

/** How much of the bytes is looked at to find a root element. */
const HEAD = 64 * 1024;

/**
 * The format of a message: by an unmistakable content type, otherwise by its first characters (a general type such as
 * `text/xml` or `application/json` decides nothing). Undefined when it is none the gateway reads.
 */
export function recognise(bytes: Uint8Array, contentType?: string): Format | undefined {
  const type = contentType && (contentType.split(';', 1)[0] ?? '').trim().toLowerCase();
  if (type && Object.hasOwn(byContentType, type)) return byContentType[type];
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const head = headText(buffer);
  if (/^(MSH|FHS|BHS)[^A-Za-z0-9\s]/.test(head)) return 'hl7v2';
  if (head.startsWith('<')) return recogniseXml(head, buffer);
  if (head.startsWith('{')) return hasTopLevelResourceType(bytes) ? 'fhir' : 'json';
  if (head.startsWith('[')) return 'json';
  if (head.startsWith('PK\u0003\u0004'))
    return buffer.subarray(0, HEAD).includes('[Content_Types].xml') ? 'xlsx' : undefined;
  return isMail(head) ? 'mail' : undefined;
}

/** The beginning as text without byte order mark, MLLP start byte and white space; UTF-16 is read as such. */
function headText(buffer: Buffer): string {
  const start = buffer.subarray(0, HEAD);
  const wide = /^(\xff\xfe|<\0)/.test(start.toString('latin1', 0, 2));
  const bigEndian = /^(\xfe\xff|\0<)/.test(start.toString('latin1', 0, 2));
  const text = wide
    ? start.toString('utf16le')
    : bigEndian
      ? Buffer.from(start.subarray(0, start.length & ~1))
          .swap16()
          .toString('utf16le')
      : start.toString('latin1').replace(/^\xef\xbb\xbf/, '');
  return text.replace(/^[\ufeff\x0b\s]+/, '');
}

function recogniseXml(head: string, buffer: Buffer): Format | undefined {
  const root = rootTag(head);
  if (!root) return undefined;
  const name = root.name.slice(root.name.indexOf(':') + 1);
  if (name === 'ClinicalDocument') return 'cda';
  if ((name === 'stylesheet' || name === 'transform') && buffer.includes('ClinicalDocument')) return 'cda';
  return root.attributes.includes('http://hl7.org/fhir') ? 'fhir' : undefined;
}

/** Name and attributes of the first element; comments, instructions and a DOCTYPE before it are passed over. */
function rootTag(head: string): { name: string; attributes: string } | undefined {
  for (let at = head.indexOf('<'); at >= 0; at = head.indexOf('<', at + 1)) {
    if (head.startsWith('<!--', at)) at = head.indexOf('-->', at);
    else if (head.startsWith('<?', at)) at = head.indexOf('?>', at);
    else if (head.startsWith('<!', at)) at = head.indexOf('>', at);
    else {
      const end = head.indexOf('>', at);
      const tag = head.slice(at + 1, end < 0 ? undefined : end);
      const name = /^[^\s/>]{1,200}/.exec(tag)?.[0];
      return name === undefined ? undefined : { name, attributes: tag.slice(name.length) };
    }
    if (at < 0) return undefined;
  }
  return undefined;
}

const QUOTE = 0x22;

/** True when the outermost object has a property `resourceType`; nested objects do not count. */
function hasTopLevelResourceType(bytes: Uint8Array): boolean {
  let depth = 0;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at];
    if (byte === 0x7b || byte === 0x5b) depth++;
    else if (byte === 0x7d || byte === 0x5d) depth--;
    else if (byte === QUOTE) {
      const start = at + 1;
      at = stringEnd(bytes, at);
      if (depth === 1 && at - start === 12 && isResourceType(bytes, start, at)) return true;
    }
  }
  return false;
}

function isResourceType(bytes: Uint8Array, start: number, end: number): boolean {
  if (Buffer.from(bytes.buffer, bytes.byteOffset + start, 12).toString('latin1') !== 'resourceType') return false;
  let next = end + 1;
  while (bytes[next] === 0x20 || (bytes[next]! >= 0x09 && bytes[next]! <= 0x0d)) next++;
  return bytes[next] === 0x3a;
}

function stringEnd(bytes: Uint8Array, start: number): number {
  for (let at = bytes.indexOf(QUOTE, start + 1); at >= 0; at = bytes.indexOf(QUOTE, at + 1)) {
    let slashes = 0;
    while (bytes[at - 1 - slashes] === 0x5c) slashes++;
    if (slashes % 2 === 0) return at;
  }
  return bytes.length;
}

/** An RFC 5322 message begins with header fields, and one of these is among the first. */
function isMail(head: string): boolean {
  const fields = head.slice(0, 8000).split(/\r?\n/, 40);
  if (!/^[!-9;-~]{1,80}:/.test(fields[0] ?? '')) return false;
  return fields.some((line) => /^(received|from|message-id|mime-version|return-path|date|subject):/i.test(line));
}
