/** Bounds of one extraction: answers, and a Questionnaire that comes along with them, are from outside. */
export const limits = {
  /** Steps of all expressions together, values copied included. */
  steps: 1_000_000,
  /** Characters of one expression. */
  expression: 1_000,
  /** Characters of one text that comes out. */
  text: 65_536,
  /** Depth of items and of templates. */
  depth: 32,
  /** Items and contained templates of a Questionnaire. */
  items: 2_000,
  /** Resources that come out. */
  resources: 500,
};

/** Why nothing can be extracted; the sentence names places of the Questionnaire, never an answer. */
export class ExtractionProblem extends Error {}
