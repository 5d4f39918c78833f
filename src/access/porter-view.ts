import type { Resource } from '@medplum/fhirtypes';
import type { Verdict } from './porter.ts';
import type { AccessRules } from './porter-rules.ts';

/** What a verdict lets through of a resource: the whole, or the elements of its view. Pure; the resource is not changed. */
export function shownBy(rules: AccessRules, { view }: Verdict, resource: Resource): Resource {
  if (view === undefined) return resource;
  const shown: Record<string, unknown> = { resourceType: resource.resourceType, id: resource.id };
  for (const path of rules.views[view]?.elements[resource.resourceType] ?? []) {
    copy(resource as unknown as Record<string, unknown>, shown, path.split('.'));
  }
  // Incomplete on purpose, https://hl7.org/fhir/R4/valueset-security-labels.html
  shown.meta = { tag: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ObservationValue', code: 'SUBSETTED' }] };
  return shown as unknown as Resource;
}

/** Lists are copied item by item, so that of two names each keeps its own given names. */
function copy(from: Record<string, unknown>, to: Record<string, unknown>, [step = '', ...rest]: string[]): void {
  const value = from[step];
  if (value === undefined) return;
  if (rest.length === 0) {
    // A first name is one: further given names would tell who it is.
    to[step] = step === 'given' && Array.isArray(value) ? value.slice(0, 1) : value;
  } else if (Array.isArray(value)) {
    const items = value.map((one) => {
      const item: Record<string, unknown> = {};
      copy(one as Record<string, unknown>, item, rest);
      return item;
    });
    const full = items.filter((one) => Object.keys(one).length > 0);
    // One entry says it all; several would tell of a name at birth.
    if (full.length > 0) to[step] = full.slice(0, 1);
  } else if (typeof value === 'object' && value !== null) {
    const item: Record<string, unknown> = {};
    copy(value as Record<string, unknown>, item, rest);
    to[step] = item;
  }
}
