import { isResourceType } from '../elements.ts';
import { RUN, type Run, usedOnly } from '../run.ts';
import { type Compiled, fail } from '../scope.ts';
import { object, text } from '../values.ts';
import type { MapFunction } from './function.ts';
import { compact } from './people.ts';

/**
 * `reference(var, display?)`: a Reference to the draft of a resource this map made (or of an entry). `reference('Type',
 * identifier, display?)`: a logical reference to something that is not in the message; nothing without identifier and
 * display.
 */
const reference: MapFunction = {
  args: [1, 3],
  base: true,
  type: 'Reference',
  bind(args) {
    const [target, second, third] = args as [Compiled, Compiled?, Compiled?];
    if (target.literal === undefined) {
      return made((run, slots) => {
        const resource = object(target.evaluate(slots));
        return resource && link(run, resource, undefined, undefined, text(second?.evaluate(slots)));
      });
    }
    const type = String(target.literal);
    if (!isResourceType(type)) fail(`there is no resource type ${type}`);
    return made((run, slots) => {
      const identifier = object(second?.evaluate(slots));
      if (identifier) usedOnly(run, identifier, ['system', 'value']);
      const display = text(third?.evaluate(slots));
      if (!identifier?.value && !display) return undefined;
      const { system, value } = identifier ?? {};
      return compact({ type, identifier: value ? compact({ system, value }) : undefined, display });
    });
  },
};

/** `subject()`: a Reference to the Patient the message is about, whether its draft is made before or after. */
const subject: MapFunction = {
  args: [0, 0],
  type: 'Reference',
  call: (run) => link(run),
};

/** `keyed('key', 'Type'?)`: a Reference to the draft whose entry has that key; reported when there is none at the end. */
const keyed: MapFunction = {
  args: [1, 2],
  type: 'Reference',
  call: (run, key, type) => {
    const wanted = text(key);
    return wanted === undefined ? undefined : link(run, undefined, wanted, text(type));
  },
};

/** Functions of the mapping language that point from one draft to another. */
export const referenceFunctions: Record<string, MapFunction> = { reference, subject, keyed };

function made(evaluate: (run: Run, slots: unknown[]) => unknown): Compiled {
  return { evaluate: (slots) => evaluate(slots[RUN] as Run, slots), fresh: true, type: 'Reference' };
}

/** The reference is filled in once the drafts have their fullUrls; without resource and key it is the subject's. */
function link(run: Run, resource?: object, key?: string, type?: string, display?: string): object {
  const holder: Record<string, unknown> = { reference: '' };
  if (display) holder.display = display;
  const { session, document, rule, owner, key: ownerKey } = run;
  session.links.push({ holder, property: 'reference', resource, key, type, document, rule, owner, ownerKey });
  return holder;
}
