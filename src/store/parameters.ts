import { readFileSync } from 'node:fs';
import { evalFhirPath } from '@medplum/core';
import type { Resource, SearchParameter } from '@medplum/fhirtypes';
import { fhirPath, follow, type Path, tablePath, union } from './path.ts';
import { knowResourceTypes } from './structure.ts';
import type { Kind } from './values.ts';

/** Types of search parameters the index answers (R4 search, 3.1.1.4). */
export type ParameterType = 'token' | 'reference' | 'date' | 'string' | 'quantity' | 'number' | 'uri' | 'composite';

/**
 * One thing the index knows about resources of one type: the values at one path. Parameters share columns (`patient` and
 * `subject`, `code` and `combo-code`), so nothing is written twice.
 */
export interface Column {
  /** Number in the database, set when the store opens. */
  id: number;
  kind: Kind;
  type: string;
  /** Text of the path; with kind and type the identity of the column over restarts. */
  text: string;
  /** How values become rows, where the kind has several ways. */
  flavour?: 'uri' | 'identifier' | 'deceased';
  read(resource: Resource): unknown[];
}

/** A search parameter of one type, with the columns of the index that answer it. */
export interface Parameter {
  code: string;
  type: ParameterType;
  /** Canonical of its definition. */
  definition: string;
  columns: Column[];
  /** Types a reference may point to; empty when any. */
  targets: string[];
  /** Identifiers carried by the references themselves (`patient:identifier`). */
  identifiers: Column[];
  composite?: Composite;
}

/** The parts of a composite parameter, which must hold within one and the same element. */
export interface Composite {
  /** Elements within which all components must hold; '' is the resource itself. */
  roots: Path[];
  components: { parameter: Parameter; paths: Path[] }[];
}

type TableRow = [string, string, string[], (string[] | string[][])?];

interface Table {
  fhirVersion: string;
  types: string[];
  compartment: Record<string, string[]>;
  parameters: Record<string, Record<string, TableRow>>;
}

const KINDS: Record<string, Kind> = {
  token: 'token',
  uri: 'token',
  reference: 'reference',
  date: 'date',
  string: 'string',
  quantity: 'quantity',
  number: 'quantity',
};

/** On every resource, https://hl7.org/fhir/R4/resource.html#search; `_id` and `_lastUpdated` need no index of their own. */
const COMMON: Record<string, TableRow> = {
  _tag: ['token', 'Resource-tag', ['meta.tag']],
  _profile: ['uri', 'Resource-profile', ['meta.profile']],
  _security: ['token', 'Resource-security', ['meta.security']],
  _source: ['uri', 'Resource-source', ['meta.source']],
};

/** Every search parameter the store answers: those of R4 and the ones loaded besides. */
export class Parameters {
  readonly types: ReadonlySet<string>;
  /** Parameters that tie a type to the Patient compartment. */
  readonly compartment: Record<string, string[]>;
  readonly #byType = new Map<string, Map<string, Parameter>>();
  readonly #columns = new Map<string, Column>();

  constructor(custom: SearchParameter[] = []) {
    const table: Table = JSON.parse(readFileSync(new URL('./tables/parameters.json', import.meta.url), 'utf8'));
    this.types = new Set(table.types);
    this.compartment = table.compartment;
    knowResourceTypes(table.types);
    for (const type of table.types) {
      this.#byType.set(type, new Map());
      const rows = { ...COMMON, ...table.parameters[type] };
      for (const [code, row] of Object.entries(rows)) if (row[0] !== 'composite') this.#add(type, code, row);
      for (const [code, row] of Object.entries(rows)) if (row[0] === 'composite') this.#addComposite(type, code, row);
    }
    for (const definition of custom) this.#addCustom(definition);
  }

  of(type: string): ReadonlyMap<string, Parameter> {
    return this.#byType.get(type) ?? new Map();
  }

  find(type: string, code: string): Parameter | undefined {
    return this.#byType.get(type)?.get(code);
  }

  columns(): Iterable<Column> {
    return this.#columns.values();
  }

  columnsOf(type: string): Column[] {
    return [...this.#columns.values()].filter((column) => column.type === type);
  }

  #column(type: string, kind: Kind, text: string, flavour: Column['flavour'], read: Column['read']): Column {
    const key = `${type} ${kind} ${text}`;
    let column = this.#columns.get(key);
    if (!column) {
      column = { id: 0, kind, type, text, ...(flavour ? { flavour } : {}), read };
      this.#columns.set(key, column);
    }
    return column;
  }

  /** A column on a path of the table; the path is compiled when the first resource of its type comes. */
  #tableColumn(type: string, parameterType: string, text: string): Column {
    const bare = text.replace(/:\w+$/, '');
    let path: Path | undefined;
    const read = (resource: Resource) => {
      path ??= tablePath(bare);
      return follow(path, resource);
    };
    return this.#column(type, KINDS[parameterType]!, bare, flavourOf(parameterType, bare), read);
  }

  #identifierColumn(column: Column): Column {
    return this.#column(column.type, 'token', `${column.text}.identifier`, 'identifier', column.read);
  }

  #add(type: string, code: string, [parameterType, name, paths, targets]: TableRow): void {
    const columns = paths.map((path) => this.#tableColumn(type, parameterType, path));
    const restricted = /:(\w+)$/.exec(paths[0] ?? '')?.[1];
    this.#set(type, {
      code,
      type: parameterType as ParameterType,
      definition: `http://hl7.org/fhir/SearchParameter/${name}`,
      columns,
      targets: restricted ? [restricted] : ((targets ?? []) as string[]),
      identifiers: parameterType === 'reference' ? columns.map((column) => this.#identifierColumn(column)) : [],
    });
  }

  #addComposite(type: string, code: string, [, name, roots, parts]: TableRow): void {
    const components = (parts as string[][]).map(([component, ...paths]) => ({
      parameter: this.find(type, component!)!,
      paths: paths.map(tablePath),
    }));
    this.#set(type, {
      code,
      type: 'composite',
      definition: `http://hl7.org/fhir/SearchParameter/${name}`,
      columns: [],
      targets: [],
      identifiers: [],
      composite: { roots: roots.map(tablePath), components },
    });
  }

  /** A parameter of the same code on the same type widens the one that is there. */
  #addCustom(definition: SearchParameter): void {
    if (!definition.expression || !KINDS[definition.type]) return;
    for (const type of definition.base as string[]) {
      if (!this.types.has(type)) continue;
      const columns = union(definition.expression)
        .filter((branch) => ownBranch(branch, type))
        .map((branch) => this.#customColumn(type, definition.type, branch));
      const known = this.find(type, definition.code!);
      const all = [...new Set([...(known?.columns ?? []), ...columns])];
      this.#set(type, {
        code: definition.code!,
        type: definition.type as ParameterType,
        definition: known?.definition ?? definition.url!,
        columns: all,
        targets: known?.targets.length ? known.targets : ((definition.target ?? []) as string[]),
        identifiers: definition.type === 'reference' ? all.map((column) => this.#identifierColumn(column)) : [],
      });
    }
  }

  #customColumn(type: string, parameterType: string, expression: string): Column {
    const path = fhirPath(expression, type);
    const read = path
      ? (resource: Resource) => follow(path, resource)
      : (resource: Resource) => evaluated(expression, resource);
    const text = path?.text ?? expression;
    return this.#column(type, KINDS[parameterType]!, text, flavourOf(parameterType, text), read);
  }

  #set(type: string, parameter: Parameter): void {
    this.#byType.get(type)!.set(parameter.code, parameter);
  }
}

function flavourOf(parameterType: string, text: string): Column['flavour'] {
  if (parameterType === 'uri') return 'uri';
  return text.startsWith('deceased{') ? 'deceased' : undefined;
}

/** A union over several bases names each; only this type's branches are its own. */
function ownBranch(branch: string, type: string): boolean {
  const prefix = /^\(*([A-Z]\w+)\./.exec(branch)?.[1];
  return !prefix || prefix === type || prefix === 'Resource' || prefix === 'DomainResource';
}

/** The slow way, for expressions beyond `fhirPath`: Medplum's FHIRPath. Content it cannot evaluate is not indexed. */
function evaluated(expression: string, resource: Resource): unknown[] {
  try {
    return evalFhirPath(expression, resource);
  } catch {
    return [];
  }
}
