import { readdirSync, readFileSync } from 'node:fs';

type Json = Record<string, unknown>;

/** A resource that conforms to a profile, and changes that each break one rule of it. */
export interface ProfileCase {
  id: string;
  profile: string;
  good: Json;
  bad: { why: string; rule: string; change: Json }[];
}

const folder = new URL('./cases/', import.meta.url);

/** Every case of `tests/profile/cases`; the people in them are invented. */
export function profileCases(): ProfileCase[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.json'))
    .sort()
    .map((name) => ({
      id: name.replace('.json', ''),
      ...(JSON.parse(readFileSync(new URL(name, folder), 'utf8')) as Omit<ProfileCase, 'id'>),
    }));
}

/** A copy with the changes made: `{"subject": null}` removes, `{"valueQuantity.code": "g"}` sets. */
export function changed(resource: Json, change: Json): Json {
  const copy = structuredClone(resource);
  for (const [path, value] of Object.entries(change)) {
    const steps = path.split('.');
    const last = steps.pop() as string;
    let at = copy as Record<string, unknown>;
    for (const step of steps) {
      at = at[step] as Record<string, unknown>;
    }
    if (value === null) {
      delete at[last];
    } else {
      at[last] = value;
    }
  }
  return copy;
}
