import type { Words } from '../../errors/entry.ts';

/** One thing the demo did: what came in, and the resources it became. */
export interface DemoStep {
  /** What came in, by which door. */
  what: Words;
  answer: Words;
  /** URLs of the resources that came out. */
  urls: string[];
  ok: boolean;
}
