import type { Reference, Resource } from '@medplum/fhirtypes';
import type { AccessRules } from './porter-rules.ts';

/** Ids of the patients a resource is about; none when that cannot be told, or when it is about nobody. */
export function patientsOf(rules: AccessRules, what: Resource): string[] {
  if (what.resourceType === 'Patient') return what.id ? [what.id] : [];
  const references = elementsAt(what, rules.patientOf[what.resourceType]).map(referenceOf);
  const ids = references.flatMap((one) => /^Patient\/([A-Za-z0-9.-]{1,64})$/.exec(one)?.[1] ?? []);
  return ids.length < 2 ? ids : [...new Set(ids)];
}

/** The values at a path of element names, through arrays. */
export function elementsAt(resource: Resource, path: string[] | undefined): unknown[] {
  if (!path) return [];
  let values: unknown[] = [resource];
  for (const step of path) {
    values = values.flatMap((one) =>
      typeof one === 'object' && one !== null ? ((one as Record<string, unknown>)[step] ?? []) : [],
    );
  }
  return values;
}

/** `Type/id` of a reference, without its version; empty when there is none. */
export function referenceOf(element: unknown): string {
  const { reference } = (element ?? {}) as Reference;
  return typeof reference === 'string' ? reference.replace(/\/_history\/.*$/, '') : '';
}

/** Codes that say how a resource is to be kept: security labels, those of a document, confidentiality. */
export function labelsOf(what: Resource): string[] {
  const { securityLabel, confidentiality } = what as { securityLabel?: unknown; confidentiality?: unknown };
  const concepts = [securityLabel].flat() as { coding?: { code?: string }[] }[];
  const codes = [...(what.meta?.security ?? []), ...concepts.flatMap((one) => one?.coding ?? [])];
  return [
    ...codes.flatMap((one) => one?.code ?? []),
    ...(typeof confidentiality === 'string' ? [confidentiality] : []),
  ];
}

/** True when one of the concepts bears that code. */
export function hasCoding(
  concepts: { coding?: { system?: string; code?: string }[] }[] | undefined,
  { system, code }: { system: string; code: string },
): boolean {
  return concepts?.some((one) => one.coding?.some((is) => is.system === system && is.code === code)) ?? false;
}

/**
 * A date without a time lasts to its end; a bound that cannot be read lets nobody in. `planned`: what begins later counts.
 */
export function isWithin(
  period: { start?: string; end?: string } | undefined,
  now: number,
  planned?: 'planned',
): boolean {
  if (!planned && period?.start !== undefined && !(Date.parse(period.start) <= now)) return false;
  if (period?.end === undefined) return true;
  return endOf(period.end) >= now;
}

function endOf(date: string): number {
  const [year = 0, month, day] = date.split('-').map(Number);
  if (/^\d{4}$/.test(date)) return Date.UTC(year + 1, 0, 1) - 1;
  if (/^\d{4}-\d\d$/.test(date)) return Date.UTC(year, month as number, 1) - 1;
  if (/^\d{4}-\d\d-\d\d$/.test(date)) return Date.UTC(year, (month as number) - 1, (day as number) + 1) - 1;
  return Date.parse(date);
}
