import type { Resource } from '@medplum/fhirtypes';
import { type Fault, fault } from '../errors.ts';
import { runSteps } from './compile.ts';
import { MappedDocument } from './document.ts';
import type { CompiledMap } from './folder.ts';
import type { FormTypes } from './form-types.ts';
import { FIRST_VARIABLE, newRun, newSession, ORIGINS, RUN, SLOT_WIDTH, type Slots } from './run.ts';
import type { PayloadSchema } from './schemas.ts';

/** The resources a form is written from. */
export interface FormSources {
  of: Resource;
  resources: { fullUrl?: string; resource: Resource }[];
}

/** A form written, or why not. */
export interface WrittenForm {
  form?: Record<string, unknown>;
  faults: Fault[];
}

/** What writing needs of the folder. */
export interface FormWriter {
  map: CompiledMap;
  types: FormTypes;
  /** Name of the schema, and the schema compiled. */
  schema: string;
  check: PayloadSchema;
}

/**
 * Writes a partner's form from FHIR resources by its map. The result follows the form's schema, properties in its order; what
 * the resources lack and the schema demands is a fault each (`form-incomplete`). Pure.
 */
export function writeForm({ map, types, schema, check }: FormWriter, sources: FormSources, at: Date): WrittenForm {
  const session = newSession({ sender: 'form', messageIdentity: 'form', receivedAt: at });
  const document = new MappedDocument({ tree: treeOf(sources), format: 'fhir', parts: [], references: named(sources) });
  const run = newRun(session, document, map.name);
  const slots: Slots = new Array(map.top.size);
  const form = {};
  slots[RUN] = run;
  slots[ORIGINS] = map.top.origins;
  map.top.inputs.forEach(({ mode }, index) => {
    slots[FIRST_VARIABLE + index * SLOT_WIDTH] = mode === 'source' ? document.tree : form;
  });
  try {
    runSteps(map.top.steps, slots);
  } catch (error) {
    return { faults: [fault('map-crashed', { params: { map: map.name }, detail: String(error) })] };
  }
  const written = types.ordered(`#form:${schema}`, form) as Record<string, unknown>;
  const lacking = check.check(written).map(({ place, params }) => fault('form-incomplete', { place, params }));
  return lacking.length > 0 ? { faults: [...lacking, ...session.faults] } : { form: written, faults: session.faults };
}

/** `{of, Type: [resource…]}`, each resource once. */
function treeOf({ of, resources }: FormSources): Record<string, unknown> {
  const tree: Record<string, unknown[]> = {};
  for (const resource of new Set([of, ...resources.map((one) => one.resource)])) {
    const list = tree[resource.resourceType] ?? [];
    if (resource.id === undefined || !list.some((one) => (one as Resource).id === resource.id)) list.push(resource);
    tree[resource.resourceType] = list;
  }
  return { ...tree, of };
}

function named({ of, resources }: FormSources): Map<string, object> {
  const names = new Map<string, object>();
  for (const { fullUrl, resource } of [...resources, { resource: of, fullUrl: undefined }]) {
    if (fullUrl) names.set(fullUrl, resource);
    if (resource.id) names.set(`${resource.resourceType}/${resource.id}`, resource);
  }
  return names;
}
