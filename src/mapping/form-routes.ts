import type { Route } from './routes.ts';

/** One entry of `forms.json`: a partner's form that can be written from what is on the FHIR server. */
export interface FormRoute {
  name: string;
  /** The route that reads the form; its schema is that of what is written. */
  route: string;
  /** The map that writes it. */
  map: string;
  /** The resource a form is asked for by: its type, and the system of the identifier that carries the form's number. */
  of: { type: string; system: string };
  /** Searches that bring what the form needs besides what references lead to; `{of}`, `{patient}`, `{value}` are filled in. */
  with?: string[];
}

const KNOWN = new Set(['name', 'route', 'map', 'of', 'with', 'description']);

/** Reads `forms.json`; every problem is listed. */
export function readForms(
  value: unknown,
  routes: Route[],
  maps: ReadonlyMap<string, unknown>,
): { forms: FormRoute[]; problems: string[] } {
  if (!Array.isArray(value)) return { forms: [], problems: ['it must be a list of forms'] };
  const problems = (value as Partial<FormRoute>[]).flatMap((one, index) => {
    const label = typeof one?.name === 'string' ? one.name : `number ${index + 1}`;
    const { route, map, of, with: searches = [] } = one ?? {};
    const found: string[] = [];
    if (typeof one?.name !== 'string') found.push(`form ${label} has no name`);
    if (typeof of?.type !== 'string' || typeof of.system !== 'string')
      found.push(`form ${label}: of wants type and system`);
    if (!Array.isArray(searches)) found.push(`form ${label}: with must be a list of searches`);
    if (!maps.has(String(map))) found.push(`form ${label} names the map ${map}, which is not there or has faults`);
    if (routes.find((known) => known.name === route)?.schema === undefined)
      found.push(`form ${label} names the route ${route}, which is not there or has no schema`);
    for (const key of Object.keys(one ?? {})) if (!KNOWN.has(key)) found.push(`form ${label}: unknown property ${key}`);
    return found;
  });
  return { forms: problems.length === 0 ? (value as FormRoute[]) : [], problems };
}
