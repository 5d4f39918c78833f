import { type Child, h } from './dom.ts';
import { t } from './words.ts';

/** A table of lines (`tr`) under `heads`, which are words of `words.ts`. */
export function table(heads: string[], lines: Child[]): HTMLElement {
  const cells = heads.map((head) => h('th', {}, t(head)));
  return h('table', {}, h('thead', {}, h('tr', {}, cells)), h('tbody', {}, lines));
}
