import type { Fault } from '../../errors.ts';
import type { XmlElement } from './element.ts';
import { limitFault, XmlFault, xmlLimits } from './limits.ts';
import { Reader, type XmlOptions } from './parse.ts';
import { decodeXml } from './source.ts';

/** The document, or the first reason why it is none. */
export type XmlResult = { root: XmlElement; fault?: undefined } | { root?: undefined; fault: Fault };

/**
 * Reads XML 1.0 with namespaces into elements. Strict on well-formedness, and narrower than the standard on purpose: a
 * document type declaration is refused, so there are no entities, no external access and no defaults; nothing outside the
 * bytes is ever looked at.
 */
export function readXml(bytes: Uint8Array, options: XmlOptions): XmlResult {
  const limits = { ...xmlLimits, ...options.limits };
  if (bytes.length > limits.bytes) return { fault: limitFault('bytes', limits.bytes) };
  const source = decodeXml(bytes);
  if ('code' in source) return { fault: source };
  if (source.text.length > limits.characters) return { fault: limitFault('characters', limits.characters) };
  const reader = new Reader(source.text, source.lifted, options, limits);
  const result = run(reader);
  if (!result.root || reader.liftedAll) return result;
  // A run that stood somewhere else than as the content of an element (a comment, say): read it as the text it is.
  const plain = decodeXml(bytes, false);
  return 'code' in plain ? { fault: plain } : run(new Reader(plain.text, [], options, limits));
}

function run(reader: Reader): XmlResult {
  try {
    return { root: reader.document() };
  } catch (error) {
    if (error instanceof XmlFault) return { fault: reader.forbidden() ?? error.fault };
    throw error;
  }
}
