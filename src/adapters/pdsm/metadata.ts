import type { Parameters, ParametersParameter } from '@medplum/fhirtypes';
import type { Request } from 'express';
import type { FhirEndpoint } from '../../adapter.ts';
import { type Fault, fault } from '../../errors.ts';
import { read } from '../../formats/fhir/index.ts';
import { IS_ARCHIVED } from './names.ts';
import { extensionsAt } from './targets.ts';

/** One change of a patch: the element it is about, and the extension when it is one. */
interface Change {
  element: string;
  extension?: string;
  /** Position of an extension that is there already. */
  index?: number;
}

/**
 * Conditional PATCH of a document's metadata: only status, securityLabel and is-archived. What is no patch at all, and how
 * many documents match, is the FHIR server's to say.
 */
export async function checkPatch(request: Request, query: string, fhir: FhirEndpoint): Promise<Fault[]> {
  const changes = changesOf(request.body, request.get('content-type') ?? '');
  const urls = changes.some((one) => one.index !== undefined) ? await extensionsAt(query, fhir) : [];
  return changes
    .map((one) => (one.index === undefined ? one : { ...one, extension: urls[one.index] ?? one.extension }))
    .flatMap(faultOf);
}

/** The same for a patch inside a transaction. */
export function checkPatchResource(resource: Parameters): Fault[] {
  return fhirPathChanges(resource).flatMap(faultOf);
}

function faultOf({ element, extension }: Change): Fault[] {
  if (element === 'status' || element === 'securityLabel') return [];
  if (element === 'extension' && extension === IS_ARCHIVED) return [];
  const name = /^[A-Za-z]{1,64}$/.test(element) ? element : 'this element';
  return [fault('metadata-fixed', { params: { element: name } })];
}

function changesOf(body: unknown, type: string): Change[] {
  if (!(body instanceof Uint8Array) || body.length === 0) return [];
  if (/json-patch/.test(type)) return jsonChanges(body);
  const { tree, faults } = read(body);
  if (faults.some((one) => one.severity === 'error') || tree?.resourceType !== 'Parameters') return [];
  return fhirPathChanges(tree);
}

/** RFC 6902; `test` changes nothing. */
function jsonChanges(body: Uint8Array): Change[] {
  let patch: unknown;
  try {
    patch = JSON.parse(Buffer.from(body).toString('utf8'));
  } catch {
    return [];
  }
  if (!Array.isArray(patch)) return [];
  return patch.flatMap((one: { op?: unknown; path?: unknown; from?: unknown; value?: unknown } | null) => {
    if (!one || one.op === 'test') return [];
    const paths = one.op === 'move' ? [one.path, one.from] : [one.path];
    return paths.map((path) => jsonChange(String(path ?? ''), one.op === 'remove' ? undefined : one.value));
  });
}

function jsonChange(path: string, value: unknown): Change {
  const [, element = '', position, ...deeper] = path.split('/');
  if (element !== 'extension') return { element };
  const given = (Array.isArray(value) ? value : [value]).map((one) => (one as { url?: string } | null)?.url);
  const isIndex = /^\d{1,3}$/.test(position ?? '');
  // A new extension, a list of them, or something inside one that is there.
  if (deeper.length === 0 && value !== undefined && given.every((one) => one === IS_ARCHIVED)) {
    return { element, extension: IS_ARCHIVED };
  }
  return { element, ...(isIndex && deeper[0] !== 'url' ? { index: Number(position) } : {}) };
}

/** https://hl7.org/fhir/R4/fhirpatch.html */
function fhirPathChanges({ parameter = [] }: Parameters): Change[] {
  return parameter
    .filter((one) => one.name === 'operation')
    .map(({ part = [] }) => {
      const of = (name: string) => part.find((one) => one.name === name);
      const path = of('path')?.valueString ?? '';
      const element = pathElement(path) || (of('name')?.valueString ?? '');
      if (element !== 'extension') return { element };
      const named = path.includes(`'${IS_ARCHIVED}'`) || extensionOf(of('value')) === IS_ARCHIVED;
      return named ? { element, extension: IS_ARCHIVED } : { element };
    });
}

/** First step below the document: `DocumentReference.securityLabel[0]` is `securityLabel`. */
function pathElement(path: string): string {
  return /^DocumentReference\.([A-Za-z]+)/.exec(path.trim())?.[1] ?? '';
}

function extensionOf(value: ParametersParameter | undefined): string | undefined {
  const url = value?.part?.find((one) => one.name === 'url');
  return (
    url?.valueUri ??
    url?.valueString ??
    (value as { valueExtension?: { url?: string } } | undefined)?.valueExtension?.url
  );
}
