import { warning } from '../../errors.ts';
import { RUN, type Run, report } from '../run.ts';
import { fail } from '../scope.ts';
import { isEmpty, items, object, text } from '../values.ts';
import type { MapFunction } from './function.ts';

/** `resolve(reference)`: the resource a reference (or several) names, of those a form is written from; else nothing. */
const resolve: MapFunction = {
  args: [1, 1],
  base: true,
  bind: ([value]) => ({
    fresh: false,
    evaluate: (slots) => {
      const { document } = slots[RUN] as Run;
      const found = items(value!.evaluate(slots)).flatMap((one) => {
        const name = text(one) ?? text(object(one)?.reference);
        return name === undefined ? [] : (document.references?.get(name) ?? []);
      });
      return found.length > 1 ? found : found[0];
    },
  }),
};

/**
 * `origin(value, 'table', default?)`: `translate` the other way: the code of the table's own side that becomes this code,
 * Coding or CodeableConcept. Of several codings the first that the table gives decides. A code that comes from none is
 * reported and gives the default.
 */
const origin: MapFunction = {
  args: [2, 3],
  base: true,
  bind([value, name, fallback], scope) {
    const table =
      scope.environment.table(String(name?.literal)) ?? fail(`there is no table mappings/codes-${name?.literal}.json`);
    return {
      fresh: true,
      evaluate: (slots) => {
        const given = value!.evaluate(slots);
        if (isEmpty(given)) return fallback?.evaluate(slots);
        for (const { system, code } of codings(given)) {
          const [found] = table.reverse(text(system), text(code) ?? '');
          if (found) return found.code;
        }
        report(slots[RUN] as Run, warning('code-unmapped', { params: { table: `codes-${table.name}.json` } }));
        return fallback?.evaluate(slots);
      },
    };
  },
};

/** `beforeLast(x, '/')`: what stands before the last such text; all of it when there is none. */
const beforeLast: MapFunction = {
  args: [2, 2],
  call: (_run, value, mark) => {
    const words = text(value);
    const at = words?.lastIndexOf(text(mark) ?? '/') ?? -1;
    return at < 0 ? words : words!.slice(0, at) || undefined;
  },
};

/** `afterLast(x, '/')`: what stands after the last such text; all of it when there is none. */
const afterLast: MapFunction = {
  args: [2, 2],
  call: (_run, value, mark) => {
    const words = text(value);
    const sign = text(mark) ?? '/';
    const at = words?.lastIndexOf(sign) ?? -1;
    return at < 0 ? words : words!.slice(at + sign.length) || undefined;
  },
};

/** `daysOf(first, last)`: how many calendar days a stretch has, first and last counted. */
const daysOf: MapFunction = {
  args: [2, 2],
  call: (_run, first, last) => {
    const [from, to] = [first, last].map((one) => Date.parse(`${text(one)?.slice(0, 10)}T00:00:00Z`)) as [
      number,
      number,
    ];
    return to >= from ? Math.round((to - from) / 86_400_000) + 1 : undefined;
  },
};

/** Functions of the mapping language that only maps back to a partner's form need. */
export const formFunctions: Record<string, MapFunction> = { resolve, origin, beforeLast, afterLast, daysOf };

function codings(value: unknown): { system?: unknown; code?: unknown }[] {
  return items(value).flatMap((one) => {
    if (typeof one === 'string') return [{ code: one }];
    const coded = object(one);
    if (!coded) return [];
    return Array.isArray(coded.coding) ? (coded.coding as { system?: unknown; code?: unknown }[]) : [coded];
  });
}
