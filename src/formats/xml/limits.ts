import { type Fault, fault } from '../../errors.ts';

/** Bounds that keep a hostile document cheap; a document beyond one of them is refused. */
export interface XmlLimits {
  bytes: number;
  /** Characters of the document without its long base64 runs. */
  characters: number;
  depth: number;
  elements: number;
  attributes: number;
}

/** Defaults: 256 MB of bytes, 32 million characters of text, 128 levels, 500,000 elements of 64 attributes. */
export const xmlLimits: XmlLimits = {
  bytes: 256 * 1024 * 1024,
  characters: 32 * 1024 * 1024,
  depth: 128,
  elements: 500_000,
  attributes: 64,
};

/** The fault of a document beyond one of the limits. */
export function limitFault(what: string, limit: number): Fault {
  return fault('xml-limit', { params: { what, limit } });
}

/** Carries a fault out of the recursion-free reader; never leaves it. */
export class XmlFault extends Error {
  readonly fault: Fault;
  constructor(found: Fault) {
    super(found.code);
    this.fault = found;
  }
}
