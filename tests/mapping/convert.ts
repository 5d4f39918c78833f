import type { Resource } from '@medplum/fhirtypes';
import type { Conversion, Part } from '../../src/conversion.ts';
import { sentence } from '../../src/errors.ts';
import { buildMappings, type ConvertContext, type Translator } from '../../src/mapping/index.ts';

export const RECEIVED = new Date('2021-03-10T09:00:00Z');

export const context: ConvertContext = { sender: 'test', messageIdentity: 'message-1', receivedAt: RECEIVED };

/** A translator of one map called `t` and further files. */
export function translatorOf(rules: string, files: Record<string, string> = {}): Translator {
  const head = 'map "http://passerelle.example/fhir/StructureMap/t" = t\n';
  const built = buildMappings({
    'routes.json': JSON.stringify([{ name: 't', format: 'json', map: 't' }]),
    't.map': rules.startsWith('map ') ? rules : head + rules,
    ...files,
  });
  if (!built.translator) throw new Error(built.faults.map((fault) => sentence(fault)).join('\n'));
  return built.translator;
}

export interface Trial {
  files?: Record<string, string>;
  parts?: Part[];
  context?: Partial<ConvertContext>;
}

/** Converts a JSON tree with a map whose text is given. */
export function convert(rules: string, tree: unknown, { files, parts = [], context: more }: Trial = {}): Conversion {
  const translator = translatorOf(rules, files);
  return translator.convert({ format: 'json', tree, faults: [], parts }, { ...context, ...more });
}

/** What the rules make of one resource: `o` is its variable, `src` the tree. The place identifier is left out. */
export function make<R extends Resource = Resource>(type: string, rules: string, tree: unknown, trial: Trial = {}): R {
  const conversion = convert(inGroup(type, rules), tree, trial);
  const resource = structuredClone(conversion.drafts[0]?.resource) as unknown as Record<string, unknown> | undefined;
  if (Array.isArray(resource?.identifier)) {
    const own = resource.identifier.filter(({ system }) => !String(system).endsWith('/place'));
    if (own.length > 0) resource.identifier = own;
    else delete resource.identifier;
  }
  return resource as unknown as R;
}

export function inGroup(type: string, rules: string): string {
  return `group t(source src, source message : Message, target bundle : Bundle) {
  src -> bundle.entry as e, e.subject = true, e.resource = create('${type}') as o then {
${rules}
  } "resource";
}`;
}

/** Sentences of what a broken map is told. */
export function faultsOf(rules: string, files: Record<string, string> = {}): string[] {
  const head = 'map "http://passerelle.example/fhir/StructureMap/t" = t\n';
  const { faults } = buildMappings({
    'routes.json': JSON.stringify([{ name: 't', format: 'json', map: 't' }]),
    't.map': rules.startsWith('map ') ? rules : head + rules,
    ...files,
  });
  return faults.map((fault) => sentence(fault));
}

/** A ConceptMap as the text of a `codes-*.json`. */
export function table(
  source: string | undefined,
  target: string,
  codes: Record<string, string[]>,
  more: object = {},
): string {
  const element = Object.entries(codes).map(([code, to]) => ({ code, target: to.map((one) => ({ code: one })) }));
  return JSON.stringify({
    resourceType: 'ConceptMap',
    status: 'active',
    group: [{ source, target, element, ...more }],
  });
}
