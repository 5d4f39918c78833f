import { hash as digest } from 'node:crypto';
import { coercionFor } from '../coercion.ts';
import { elementsOf, isResourceType } from '../elements.ts';
import { type Evaluate, RUN, type Run, type Slots, THIS } from '../run.ts';
import { type Compiled, fail } from '../scope.ts';
import { trailOf } from '../trail.ts';
import { uuidOf } from '../uuid.ts';
import { holds, isEmpty, single, text } from '../values.ts';
import type { MapFunction } from './function.ts';

/** `create('Type')`: a new resource or element of that type. */
const create: MapFunction = {
  args: [1, 1],
  bind([type]) {
    const name = String(type?.literal ?? '');
    if (!elementsOf(name) || name.startsWith('#'))
      fail(`create() does not know the type ${name || '(not a constant)'}`);
    const make = isResourceType(name) ? () => ({ resourceType: name }) : () => ({});
    return { evaluate: make, fresh: true, type: name };
  },
};

/** `copy(x)`: x; the element of the target decides what of it is kept. */
const copy: MapFunction = { args: [1, 1], bind: ([value]) => value! };

/** `coalesce(a, b, …)`: the first that is not empty; the others are not looked at. */
const coalesce: MapFunction = {
  args: [1, 12],
  bind: (values) => ({
    fresh: values.every((value) => value.fresh),
    type: commonType(values),
    evaluate: (slots) => {
      for (const value of values) {
        const found = value.evaluate(slots);
        if (!isEmpty(found)) return found;
      }
      return undefined;
    },
  }),
};

/** `iif(condition, then, else?)`, https://hl7.org/fhirpath/N1/#iifcriterion-expression-true-result-collection-otherwise-result-collection-collection */
const iif: MapFunction = {
  args: [2, 3],
  bind: ([condition, yes, no]) => ({
    fresh: yes!.fresh && (no?.fresh ?? true),
    type: commonType(no ? [yes!, no] : [yes!]),
    evaluate: (slots) => (holds(condition!.evaluate(slots)) ? yes!.evaluate(slots) : no?.evaluate(slots)),
  }),
};

/** `evaluate(x, 'expression')`: an expression with `$this` being x. */
const evaluate: MapFunction = {
  args: [2, 2],
  base: true,
  bind([value, expression], scope) {
    if (typeof expression?.literal !== 'string') return fail('evaluate() wants its expression in quotes');
    const inner = scope.environment.compile(expression.literal, scope.withThis());
    return {
      fresh: inner.fresh,
      type: inner.type,
      evaluate: (slots) => {
        const outer = slots[THIS];
        slots[THIS] = single(value!.evaluate(slots));
        const result = inner.evaluate(slots);
        slots[THIS] = outer;
        return result;
      },
    };
  },
};

/**
 * `extension(url, 'Type', value)`: an Extension with `value[x]` of that type; `extension(url, ext, …)`: a complex one with
 * the extensions that are not empty. Nothing when there is no value.
 */
const extension: MapFunction = {
  args: [2, 12],
  type: 'Extension',
  bind(args) {
    const [url, second] = args as [Compiled, Compiled];
    const type = second.literal === undefined ? undefined : String(second.literal);
    if (type === undefined) {
      const parts = args.slice(1);
      return extensionOf(url, (slots, made) => nested(parts, slots, made));
    }
    const property = `value${type.charAt(0).toUpperCase()}${type.slice(1)}`;
    const spec = elementsOf('Extension')?.get(property) ?? fail(`an extension has no ${property}`);
    const value = args[2] ?? fail('extension() wants url, type and value');
    const fit = coercionFor(spec.type, value);
    return extensionOf(url, (slots, made) => {
      const found = fit(slots[RUN] as Run, single(value.evaluate(slots)));
      if (isEmpty(found)) return false;
      made[property] = found;
      return true;
    });
  },
};

/** `place(x)`, also `pointer(x)`: where x stood in the source. */
const place: MapFunction = {
  args: [1, 1],
  base: true,
  bind: ([value]) => ({
    fresh: true,
    evaluate: value?.slot === undefined ? placeRead(value!) : placeOfVariable(value.slot),
  }),
};

function placeOfVariable(slot: number): Evaluate {
  return (slots) => {
    const { document } = slots[RUN] as Run;
    return document.placeAt(trailOf(slots, slot), slots[slot + 1] as object | undefined) || undefined;
  };
}

/** Of anything else than a variable: what it reads first. */
function placeRead({ evaluate }: Compiled): Evaluate {
  return (slots) => {
    const run = slots[RUN] as Run;
    const { owner, key } = run;
    run.owner = undefined;
    evaluate(slots);
    const place = run.owner === undefined ? undefined : run.document.place(run.owner, run.key);
    if (owner !== undefined) {
      run.owner = owner;
      run.key = key;
    }
    return place;
  };
}

/** `hash(x, …)`: SHA-256 in hexadecimal of the values; the same values give the same. Nothing when all are empty. */
const hash: MapFunction = {
  args: [1, 12],
  call: (_run, ...values) => (values.every(isEmpty) ? undefined : digest('sha256', seed(values))),
};

/** `uuid(x, …)`: a UUID made from sender, message and the values: the same at each re-send. */
const uuid: MapFunction = {
  args: [0, 12],
  call: (run: Run, ...values) => {
    const { sender, messageIdentity } = run.session.context;
    return uuidOf(seed([sender, messageIdentity, ...values]));
  },
};

/** Functions of the mapping language that make, choose and copy elements. */
export const structureFunctions: Record<string, MapFunction> = {
  create,
  copy,
  coalesce,
  iif,
  evaluate,
  extension,
  place,
  pointer: place,
  hash,
  uuid,
};

function commonType(values: Compiled[]): string | undefined {
  return values.every((value) => value.type === values[0]?.type) ? values[0]?.type : undefined;
}

function seed(values: unknown[]): string {
  let seed = '';
  for (let index = 0; index < values.length; index++) {
    const value = values[index];
    if (index > 0) seed += '|';
    seed += typeof value === 'string' ? value : typeof value === 'object' ? JSON.stringify(value) : (text(value) ?? '');
  }
  return seed;
}

/** @param fill puts the content of an extension into it; false when there is none */
function extensionOf(url: Compiled, fill: (slots: Slots, made: Record<string, unknown>) => boolean): Compiled {
  return {
    fresh: true,
    type: 'Extension',
    evaluate: (slots) => {
      const made: Record<string, unknown> = { url: undefined };
      if (!fill(slots, made)) return undefined;
      made.url = text(url.evaluate(slots));
      return made;
    },
  };
}

function nested(args: Compiled[], slots: Slots, made: Record<string, unknown>): boolean {
  const extensions = args.map((arg) => single(arg.evaluate(slots))).filter((value) => !isEmpty(value));
  made.extension = extensions;
  return extensions.length > 0;
}
