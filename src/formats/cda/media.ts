import { type Fault, fault, warning } from '../../errors.ts';
import { attribute, child, decodeBase64, isBase64, ownText, type XmlElement } from '../xml/index.ts';
import { placeOf, type Reading } from './context.ts';
import type { CdaMedia } from './tree.ts';

/** MIME type that does not smuggle parameters or controls. */
const MIME = /^[a-z0-9][a-z0-9!#$&^_.+-]{0,60}\/[a-z0-9][a-z0-9!#$&^_.+-]{0,100}$/i;

/**
 * ED that holds a document or picture (nonXMLBody/text, observationMedia/value): the exact bytes, which also become a part
 * of the message. Base64 may lack its padding and hold white space.
 */
export function readMedia(element: XmlElement, reading: Reading): CdaMedia | undefined {
  const declared = attribute(element, 'mediaType')?.trim() ?? '';
  const contentType = MIME.test(declared) ? declared.toLowerCase() : 'text/plain';
  const reference = child(element, 'reference');
  const target = reference && attribute(reference, 'value')?.trim();
  const media: CdaMedia = { contentType };
  if (target) media.reference = target;
  if (attribute(element, 'representation') === 'B64') {
    const bytes = reading.inspects ? encodedBytes(element) : decodeBase64(encoded(element));
    if (!bytes) reading.faults.push(unreadable(element));
    else if (bytes.length) media.bytes = bytes;
  } else {
    const text = element.lifted ? Buffer.from(element.lifted).toString() : ownText(element).trim();
    if (text) {
      media.text = text;
      media.bytes = new TextEncoder().encode(text);
    }
  }
  if (media.bytes && !reading.inspects)
    reading.parts.push({ place: placeOf(element), contentType, bytes: media.bytes });
  return media.bytes || media.reference ? media : undefined;
}

function encoded(element: XmlElement): Uint8Array {
  return element.lifted ?? Buffer.from(ownText(element));
}

/** What an inspection needs of base64: whether it can be read. Memory for a long document takes longer than looking at it. */
function encodedBytes(element: XmlElement): Uint8Array | undefined {
  const bytes = encoded(element);
  return isBase64(bytes) ? bytes : undefined;
}

/** A body that cannot be read leaves nothing to file; a picture beside the text can be done without. */
function unreadable(element: XmlElement): Fault {
  const found = element.parent?.name === 'nonXMLBody' ? fault : warning;
  return found('cda-media', { place: placeOf(element) });
}
