/** Versions of the CI-SIS profiles (MSH-21). */
import type { Hl7v2Tree } from './tree.ts';

/** The message follows a version before TCDA 2.1 (or names none): its older habits are accepted with a warning. */
export function isObsolete(tree: Hl7v2Tree): boolean {
  return /^(?:1\.|2\.0)/.test(tree.message.profile ?? '1.');
}
