import type { ElementSpec } from './elements.ts';

/** Where the schemas of forms have their canonicals; a map names one in `uses` to write it. */
export const SCHEMA_BASE = 'http://passerelle.example/schema/';

interface Schema {
  $ref?: string;
  $defs?: Record<string, Schema>;
  type?: string;
  const?: unknown;
  enum?: unknown[];
  items?: Schema;
  properties?: Record<string, Schema>;
}

const PRIMITIVES: Record<string, string> = { boolean: 'boolean', integer: 'integer', number: 'decimal' };

/**
 * The elements of partners' forms as their JSON Schemas declare them, so that a map that writes a form is checked like one
 * that writes FHIR. Types are called `#form:NAME` (`#form:NAME/property…` inside), shared definitions `#form:$NAME`.
 */
export class FormTypes {
  private readonly schemas: ReadonlyMap<string, Schema>;
  private readonly tables = new Map<string, ReadonlyMap<string, ElementSpec> | undefined>();

  constructor(schemas: ReadonlyMap<string, object>) {
    this.schemas = schemas as ReadonlyMap<string, Schema>;
  }

  /** The type that a canonical in `uses` stands for; undefined when it is not a form's. */
  static typeOf(url: string | undefined): string | undefined {
    if (!url?.startsWith(SCHEMA_BASE)) return undefined;
    return `#form:${url
      .slice(SCHEMA_BASE.length)
      .replace('$defs/', '$')
      .replace(/\.json$/, '')}`;
  }

  /** The elements of a form's type by name; undefined when there is no such type. */
  elements(type: string): ReadonlyMap<string, ElementSpec> | undefined {
    if (!this.tables.has(type)) this.tables.set(type, this.table(type));
    return this.tables.get(type);
  }

  /** Puts the properties of a written form, and the values of its lists of codes, into the order of the schema. */
  ordered(type: string, value: unknown): unknown {
    if (Array.isArray(value)) return value.map((one) => this.ordered(type, one));
    if (value === null || typeof value !== 'object') return value;
    const made: Record<string, unknown> = {};
    for (const { name, type: inner } of this.elements(type)?.values() ?? []) {
      const found = (value as Record<string, unknown>)[name];
      if (found === undefined) continue;
      const one = inner.startsWith('#') ? this.ordered(inner, found) : this.sorted(type, name, found);
      if (!isBare(one)) made[name] = one;
    }
    return made;
  }

  private sorted(type: string, name: string, value: unknown): unknown {
    const codes = Array.isArray(value)
      ? this.resolved(this.schemaOf(type)?.properties?.[name]?.items)?.enum
      : undefined;
    return codes ? (value as unknown[]).toSorted((a, b) => codes.indexOf(a) - codes.indexOf(b)) : value;
  }

  private table(type: string): ReadonlyMap<string, ElementSpec> | undefined {
    const schema = this.schemaOf(type);
    if (!schema?.properties) return undefined;
    return new Map(Object.entries(schema.properties).map(([name, one]) => [name, this.spec(type, name, one)]));
  }

  private spec(holder: string, name: string, schema: Schema): ElementSpec {
    const list = schema.type === 'array';
    const one = list ? (schema.items ?? {}) : schema;
    const meant = this.resolved(one) ?? {};
    const type = meant.properties
      ? (this.shared(one) ?? `${holder}/${name}`)
      : (PRIMITIVES[meant.type ?? ''] ?? 'string');
    return { name, type, list };
  }

  private shared({ $ref }: Schema): string | undefined {
    return $ref?.startsWith('#/$defs/') ? `#form:$${$ref.slice(8)}` : undefined;
  }

  /** Definitions of one name are the same in every form's schema. */
  private definition(name: string): Schema | undefined {
    for (const { $defs } of this.schemas.values()) if ($defs && Object.hasOwn($defs, name)) return $defs[name];
    return undefined;
  }

  private resolved(schema: Schema | undefined): Schema | undefined {
    return schema?.$ref?.startsWith('#/$defs/') ? this.definition(schema.$ref.slice(8)) : schema;
  }

  private schemaOf(type: string): Schema | undefined {
    const [name = '', ...path] = type.replace('#form:', '').split('/');
    let schema = name.startsWith('$') ? this.definition(name.slice(1)) : this.schemas.get(name);
    for (const step of path) {
      const next = schema?.properties?.[step];
      schema = this.resolved(next?.type === 'array' ? next.items : next);
    }
    return schema;
  }
}

function isBare(value: unknown): boolean {
  if (Array.isArray(value)) return value.length === 0;
  return value !== null && typeof value === 'object' && Object.keys(value).length === 0;
}
