export { decodeBase64, isBase64 } from './base64.ts';
export { attribute, child, elements, ownText, type XmlElement, xpath } from './element.ts';
export { type XmlLimits, xmlLimits } from './limits.ts';
export type { XmlOptions } from './parse.ts';
export { readXml, type XmlResult } from './reader.ts';
