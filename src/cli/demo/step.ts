/** One thing the demo did: what came in, and the resources it became. */
export interface DemoStep {
  /** What came in, by which door. */
  what: string;
  answer: string;
  /** URLs of the resources that came out. */
  urls: string[];
  ok: boolean;
}
