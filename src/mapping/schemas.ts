import { Ajv, type ValidateFunction } from 'ajv';
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { frenchProblem } from '../errors/schema.ts';
import { type Fault, fault } from '../errors.ts';

/** More than a person will read; the rest is counted out. */
const MAX_FAULTS = 50;

const OPTIONS = {
  allErrors: true,
  strict: true,
  strictRequired: false,
  allowUnionTypes: true,
  addUsedSchema: false,
  // Shortening the code it makes takes ajv a fifth of the time and V8 does it again.
  code: { optimize: false },
} as const;

/**
 * Compiles the schemas of one folder, draft 2020-12 or 7 as each says. One compiler for all: an instance of ajv compiles the
 * schema of schemas first, which takes longer than any of ours.
 */
export class SchemaCompiler {
  private readonly made: Record<string, Ajv> = {};

  /** @throws Error with ajv's words when the schema itself is wrong. */
  compile(name: string, schema: Record<string, unknown>): PayloadSchema {
    const validate = this.ajvFor(schema).compile(schema);
    return new PayloadSchema(name, () => validate);
  }

  /** For a schema that is known to be sound: it is compiled by the first payload that needs it. */
  compileLater(name: string, schema: Record<string, unknown>): PayloadSchema {
    return new PayloadSchema(name, () => this.ajvFor(schema, false).compile(schema));
  }

  private ajvFor({ $schema }: Record<string, unknown>, validateSchema = true): Ajv {
    const seventh = String($schema).includes('draft-07');
    const made = this.made[`${seventh} ${validateSchema}`];
    if (made) return made;
    const options = { ...OPTIONS, validateSchema };
    const ajv = seventh ? new Ajv(options) : new Ajv2020(options);
    (addFormats as unknown as (ajv: Ajv) => void)(ajv);
    this.made[`${seventh} ${validateSchema}`] = ajv;
    return ajv;
  }
}

/** A JSON Schema of a payload, compiled by ajv in strict mode. */
export class PayloadSchema {
  readonly name: string;
  private readonly compiled: () => ValidateFunction;
  private validate: ValidateFunction | undefined;

  constructor(name: string, compiled: () => ValidateFunction) {
    this.name = name;
    this.compiled = compiled;
  }

  /** All violations, each with the JSON pointer of the value; the sentences name what is wanted, never the value. */
  check(tree: unknown): Fault[] {
    this.validate ??= this.compiled();
    const { validate } = this;
    if (validate(tree)) return [];
    return (validate.errors ?? []).slice(0, MAX_FAULTS).map((error) => {
      const extra = error.params as {
        missingProperty?: string;
        additionalProperty?: string;
        allowedValues?: unknown[];
      };
      const named = extra.missingProperty ?? extra.additionalProperty;
      const below = named === undefined ? '' : `/${named.slice(0, 100)}`;
      const allowed = extra.allowedValues ? `: ${extra.allowedValues.slice(0, 20).join(', ')}` : '';
      const english = `${(error.message ?? error.keyword) + allowed}`;
      const problem = {
        fr: `${frenchProblem(error) + allowed}`.slice(0, 300),
        en: english.slice(0, 300),
      };
      return fault('payload-invalid', {
        place: `${error.instancePath}${below}` || '/',
        params: { schema: `schema-${this.name}.json`, problem },
      });
    });
  }
}
