import { hash } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { ConceptMap } from '@medplum/fhirtypes';
import { type Fault, fault, isError } from '../errors.ts';
import { isProven } from '../proven.ts';
import type { IgnoreRule } from './account.ts';
import { compileMap, declareGroups } from './compile.ts';
import type { CompiledMap } from './folder.ts';
import { type FormRoute, readForms } from './form-routes.ts';
import { FormTypes } from './form-types.ts';
import { type MapNode, readMap } from './language.ts';
import { LanguageError } from './lexer.ts';
import { type Route, readRoutes } from './routes.ts';
import { type PayloadSchema, SchemaCompiler } from './schemas.ts';
import { readSheets } from './sheet.ts';
import { CodeTable } from './tables.ts';
import { Translator } from './translator.ts';

const MAX_FILE = 20_000_000;

/**
 * Loads a folder of mappings.
 * @param instead texts by file name, taken in the place of the folder's own or beside them
 * @returns a translator when there is no fault; otherwise every fault of every file, with file, line and rule
 */
export function loadMappings(
  folder: string,
  instead: Readonly<Record<string, string>> = {},
): { translator?: Translator; faults: Fault[] } {
  const files: Record<string, string> = {};
  const faults: Fault[] = [];
  let names: string[] = [];
  try {
    names = readdirSync(folder).sort();
  } catch (error) {
    return { faults: [invalid(folder, (error as NodeJS.ErrnoException).code ?? 'cannot be read')] };
  }
  for (const name of names) {
    if (!/\.(map|json)$/.test(name)) continue;
    const path = join(folder, name);
    if (statSync(path).size > MAX_FILE) faults.push(invalid(name, `it is larger than ${MAX_FILE} bytes`));
    else files[name] = readFileSync(path, 'utf8');
  }
  const built = buildMappings({ ...files, ...instead });
  return { translator: faults.length > 0 ? undefined : built.translator, faults: [...faults, ...built.faults] };
}

/** Loads a folder again; the translator in use stays when anything in the folder is wrong. */
export function reloadMappings(
  current: Translator,
  folder: string,
): { translator: Translator; faults: Fault[]; changed: boolean } {
  const { translator, faults } = loadMappings(folder);
  if (!translator) return { translator: current, faults, changed: false };
  return { translator, faults, changed: translator.fingerprint !== current.fingerprint };
}

/** The pure part of loading: file name → text. */
export function buildMappings(files: Record<string, string>): { translator?: Translator; faults: Fault[] } {
  const faults: Fault[] = [];
  const tables = readTables(files, faults);
  const schemas = readSchemas(files, faults);
  const formTypes = new FormTypes(new Map(named(files, 'schema', []).map(([name, , value]) => [name, value])));
  const maps = readMaps(files, tables, formTypes, faults);
  const routes = readRouteFile(files, faults);
  checkRoutes(routes, maps, schemas, faults);
  const forms = readFormFile(files, routes, maps, faults);
  const sheets = readSheets(named(files, 'sheet', faults), routes, (file, problem) =>
    faults.push(invalid(file, problem)),
  );
  if (faults.some(isError)) return { faults };
  const fingerprint = hash('sha256', JSON.stringify(Object.entries(files).sort()));
  return {
    translator: new Translator({ maps, tables, schemas, routes, forms, formTypes, sheets }, fingerprint),
    faults,
  };
}

function invalid(file: string, problem: string): Fault {
  return fault('mapping-file-invalid', { place: file, params: { file, problem } });
}

function invalidMap(file: string, line: number, rule: string | undefined, problem: string): Fault {
  return fault('map-invalid', {
    place: `${file}:${line}`,
    rule: rule ? `${file}#${rule}` : file,
    params: { file, line, rule: rule ?? '-', problem },
  });
}

function parseJson(file: string, content: string, faults: Fault[]): unknown {
  try {
    return JSON.parse(content);
  } catch (error) {
    faults.push(invalid(file, (error as Error).message.slice(0, 200)));
    return undefined;
  }
}

/** Files of one kind: `codes-NAME.json` → NAME. */
function named(
  files: Record<string, string>,
  kind: string,
  faults: Fault[],
): [string, string, Record<string, unknown>][] {
  const pattern = new RegExp(`^${kind}-(.+)\\.json$`);
  return Object.entries(files).flatMap(([file, content]) => {
    const name = pattern.exec(file)?.[1];
    const value = name === undefined ? undefined : parseJson(file, content, faults);
    return value ? [[name!, file, value as Record<string, unknown>] as [string, string, Record<string, unknown>]] : [];
  });
}

function readTables(files: Record<string, string>, faults: Fault[]): Map<string, CodeTable> {
  const tables = new Map<string, CodeTable>();
  for (const [name, file, value] of named(files, 'codes', faults)) {
    if (value.resourceType !== 'ConceptMap') faults.push(invalid(file, 'it is no ConceptMap'));
    else tables.set(name, new CodeTable(name, value as unknown as ConceptMap));
  }
  return tables;
}

function readSchemas(files: Record<string, string>, faults: Fault[]): Map<string, PayloadSchema> {
  const schemas = new Map<string, PayloadSchema>();
  const compiler = new SchemaCompiler();
  for (const [name, file, value] of named(files, 'schema', faults)) {
    try {
      const compiled = isProven(files[file]!) ? compiler.compileLater(name, value) : compiler.compile(name, value);
      schemas.set(name, compiled);
    } catch (error) {
      faults.push(invalid(file, (error as Error).message.slice(0, 300)));
    }
  }
  return schemas;
}

function readIgnores(files: Record<string, string>, faults: Fault[]): Map<string, IgnoreRule[]> {
  const ignores = new Map<string, IgnoreRule[]>();
  for (const [name, file, value] of named(files, 'ignore', faults)) {
    const rules = value as unknown as IgnoreRule[];
    const good = Array.isArray(rules) && rules.every((rule) => rule?.place && rule.reason);
    if (good)
      ignores.set(
        name,
        rules.map((rule) => ({ ...rule, file })),
      );
    else faults.push(invalid(file, 'it must be a list of {place, reason}'));
  }
  return ignores;
}

function readMaps(
  files: Record<string, string>,
  tables: Map<string, CodeTable>,
  formTypes: FormTypes,
  faults: Fault[],
): Map<string, CompiledMap> {
  const nodes = new Map<string, MapNode>();
  for (const [file, content] of Object.entries(files)) {
    if (!file.endsWith('.map')) continue;
    try {
      const node = readMap(content);
      if (`${node.name}.map` !== file)
        faults.push(invalidMap(file, 1, undefined, `the map is called ${node.name}; the file must have its name`));
      else if (node.groups.length === 0) faults.push(invalidMap(file, 1, undefined, 'it has no group'));
      else nodes.set(node.name, node);
    } catch (error) {
      if (!(error instanceof LanguageError)) throw error;
      faults.push(invalidMap(file, error.line, error.rule, error.message));
    }
  }
  return compileAll(nodes, files, tables, readIgnores(files, faults), formTypes, faults);
}

function compileAll(
  nodes: Map<string, MapNode>,
  files: Record<string, string>,
  tables: Map<string, CodeTable>,
  ignores: Map<string, IgnoreRule[]>,
  formTypes: FormTypes,
  faults: Fault[],
): Map<string, CompiledMap> {
  const handles = new Map([...nodes].map(([name, node]) => [name, declareGroups(node)]));
  const own = new Map<string, string>();
  for (const [name, node] of nodes) {
    const file = `${name}.map`;
    const imports = node.imports.map((url) => url.slice(url.lastIndexOf('/') + 1));
    for (const one of imports) {
      if (!nodes.has(one))
        faults.push(invalidMap(file, 1, undefined, `it imports ${one}, which is not there or has faults`));
    }
    const callable = (group: string) =>
      [name, ...imports].map((map) => handles.get(map)?.get(group)).find((found) => found !== undefined);
    const used = [files[file]!];
    const local = localTables(node);
    const table = (wanted: string) => {
      const found = local.get(wanted) ?? tables.get(wanted);
      if (found) used.push(`${wanted}=${found.version}`);
      return found;
    };
    for (const { line, rule, message } of compileMap(node, handles.get(name)!, callable, table, formTypes)) {
      faults.push(invalidMap(file, line, rule, message));
    }
    own.set(name, hash('sha256', [...new Set(used)].join('\n')).slice(0, 16));
  }
  return new Map(
    [...nodes].map(([name, node]) => {
      const top = handles.get(name)!.get(node.groups[0]!.name)!;
      const version = own.get(name)!;
      const versions = versionsOf(name, nodes, own);
      return [
        name,
        {
          name,
          url: node.url,
          version,
          versions,
          top,
          node,
          // What an imported map leaves out, the map that imports it leaves out for the same reasons.
          ignore: Object.keys(versions).flatMap((one) => ignores.get(one) ?? []),
        },
      ];
    }),
  );
}

/** ConceptMaps written inside the map. */
function localTables(node: MapNode): Map<string, CodeTable> {
  const maps = (node.structureMap.contained ?? []) as ConceptMap[];
  return new Map(
    maps.map((map) => {
      const name = (map.url ?? '').replace(/^#+/, '');
      return [name, new CodeTable(name, map)];
    }),
  );
}

function versionsOf(name: string, nodes: Map<string, MapNode>, own: Map<string, string>): Record<string, string> {
  const versions: Record<string, string> = {};
  const waiting = [name];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const version = own.get(next);
    if (version === undefined || Object.hasOwn(versions, next)) continue;
    versions[next] = version;
    for (const url of nodes.get(next)!.imports) waiting.push(url.slice(url.lastIndexOf('/') + 1));
  }
  return versions;
}

function readRouteFile(files: Record<string, string>, faults: Fault[]): Route[] {
  const content = files['routes.json'];
  if (content === undefined) {
    faults.push(invalid('routes.json', 'it is not there'));
    return [];
  }
  const value = parseJson('routes.json', content, faults);
  if (value === undefined) return [];
  const { routes, problems } = readRoutes(value);
  for (const problem of problems) faults.push(invalid('routes.json', problem));
  return routes;
}

function readFormFile(
  files: Record<string, string>,
  routes: Route[],
  maps: Map<string, CompiledMap>,
  faults: Fault[],
): FormRoute[] {
  const content = files['forms.json'];
  const value = content === undefined ? [] : parseJson('forms.json', content, faults);
  const { forms, problems } = readForms(value ?? [], routes, maps);
  for (const problem of problems) faults.push(invalid('forms.json', problem));
  return forms;
}

function checkRoutes(
  routes: Route[],
  maps: Map<string, CompiledMap>,
  schemas: Map<string, PayloadSchema>,
  faults: Fault[],
): void {
  for (const { name, map, schema } of routes) {
    if (map !== 'fhir' && !maps.has(map))
      faults.push(invalid('routes.json', `route ${name} names the map ${map}, which is not there or has faults`));
    if (schema !== undefined && !schemas.has(schema))
      faults.push(invalid('routes.json', `route ${name} names schema-${schema}.json, which is not there`));
  }
}
