import type { Resource } from '@medplum/fhirtypes';
import { elementsOf } from './structure.ts';

/** What of a resource is shown: `_summary` or `_elements` (R4 search, 3.1.1.5.8). */
export interface ViewOptions {
  summary?: 'true' | 'text' | 'data' | 'count';
  elements?: string[];
}

const SUBSETTED = { system: 'http://terminology.hl7.org/CodeSystem/v3-ObservationValue', code: 'SUBSETTED' };

/**
 * The part of a resource that `_summary` or `_elements` asks for, marked SUBSETTED; required elements are always there.
 * https://hl7.org/fhir/R4/search.html#summary
 */
export function view(resource: Resource, { summary, elements }: ViewOptions): Resource {
  if (!elements && (!summary || summary === 'count')) return resource;
  const rules = elementsOf(resource.resourceType);
  const keeps = (name: string): boolean => {
    const bare = name.replace(/^_/, '');
    if (['resourceType', 'id', 'meta'].includes(bare)) return true;
    const rule = rules?.get(bare);
    if (elements) return Boolean(rule?.required) || elements.some((one) => bare === one || isChoice(bare, one));
    if (summary === 'data') return bare !== 'text';
    if (summary === 'text') return bare === 'text' || Boolean(rule?.required);
    return Boolean(rule?.summary || rule?.required);
  };
  const part = Object.fromEntries(Object.entries(resource).filter(([name]) => keeps(name))) as unknown as Resource;
  part.meta = { ...part.meta, tag: [...(part.meta?.tag ?? []), SUBSETTED] };
  return part;
}

/** `value` asks for `valueQuantity`. */
function isChoice(name: string, asked: string): boolean {
  return name.startsWith(asked) && /^[A-Z]/.test(name.slice(asked.length));
}
