import type { Parameters, ParametersParameter } from '@medplum/fhirtypes';
import { IS_ARCHIVED } from './names.ts';

/** One change of a patch: the element it is about, and which extension when it is one. */
export interface Change {
  element: string;
  /** URLs the patch itself names or brings. */
  urls: string[];
  /** Position of an extension that is there already, `all` of them, or none when the URLs say it. */
  at?: number | 'all';
}

/** RFC 6902; `test` changes nothing. What is no patch changes nothing either: the FHIR server says what is wrong with it. */
export function jsonChanges(body: Uint8Array): Change[] {
  let patch: unknown;
  try {
    patch = JSON.parse(Buffer.from(body).toString('utf8'));
  } catch {
    return [];
  }
  if (!Array.isArray(patch)) return [];
  return patch.flatMap((one: { op?: unknown; path?: unknown; from?: unknown; value?: unknown } | null) => {
    if (!one || one.op === 'test') return [];
    const changed = jsonChange(String(one.path ?? ''), one.op === 'remove' ? undefined : one.value);
    // What is copied or moved comes from where nobody has looked at it.
    if (one.op !== 'move' && one.op !== 'copy') return [changed];
    return [{ ...changed, urls: ['copied'] }, ...(one.op === 'move' ? [jsonChange(String(one.from ?? ''))] : [])];
  });
}

function jsonChange(path: string, value?: unknown): Change {
  const [, element = '', position, ...deeper] = path.split('/');
  const brought = (Array.isArray(value) ? value : [value]).filter((one) => one !== undefined);
  const whole = deeper.length === 0;
  const urls = whole ? brought.map(urlOf) : deeper[0] === 'url' ? ['renamed'] : [];
  if (position === undefined) return { element, urls, at: 'all' };
  return { element, urls, ...(/^\d{1,3}$/.test(position) ? { at: Number(position) } : {}) };
}

/** https://hl7.org/fhir/R4/fhirpatch.html */
export function fhirPathChanges({ parameter = [] }: Parameters): Change[] {
  return parameter
    .filter((one) => one.name === 'operation')
    .map(({ part = [] }): Change => {
      const of = (name: string) => part.find((one) => one.name === name);
      const path = of('path')?.valueString?.trim() ?? '';
      const [, element, rest = ''] = /^(?:[A-Z]\w*\.)?([a-z]\w*)(.*)$/s.exec(path) ?? [];
      const value = of('value');
      if (!element) return { element: of('name')?.valueString ?? '', urls: extensionUrl(value) };
      const named = /'([^']*)'/.exec(rest)?.[1];
      const position = /^\[(\d{1,3})\]/.exec(rest)?.[1];
      const below = /\)\s*\.|\]\s*\./.test(rest);
      const urls = [...(named === undefined ? [] : [named]), ...(below ? [] : extensionUrl(value))];
      if (/\.url\s*$/.test(rest)) urls.push('renamed');
      return { element, urls, ...(position === undefined ? (named ? {} : { at: 'all' }) : { at: Number(position) }) };
    });
}

/** The extension that a value stands for, when it stands for one. */
function extensionUrl(value: ParametersParameter | undefined): string[] {
  const url = value?.part?.find((one) => one.name === 'url');
  const found =
    url?.valueUri ??
    url?.valueString ??
    (value as { valueExtension?: { url?: string } } | undefined)?.valueExtension?.url;
  return found === undefined ? [] : [found];
}

function urlOf(value: unknown): string {
  return String((value as { url?: unknown } | null)?.url ?? '');
}

/**
 * Whether a patch may change this: status, securityLabel, and the extension is-archived.
 *
 * @param there URLs of the extensions that the resource has now, in their order
 */
export function isOpen({ element, urls, at }: Change, there: string[]): boolean {
  if (element === 'status' || element === 'securityLabel') return true;
  if (element !== 'extension') return false;
  const touched = at === 'all' ? there : at === undefined ? [] : there[at] === undefined ? [] : [there[at]];
  // A position past the end is one that is added.
  const all = [...touched, ...urls];
  return all.every((one) => one === IS_ARCHIVED) && (all.length > 0 || at === 'all');
}
