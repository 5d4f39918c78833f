import { Ajv, type ValidateFunction } from 'ajv';
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { type Fault, fault } from '../errors.ts';

/** More than a person will read; the rest is counted out. */
const MAX_FAULTS = 50;

const OPTIONS = {
  allErrors: true,
  strict: true,
  strictRequired: false,
  allowUnionTypes: true,
  addUsedSchema: false,
} as const;

/**
 * Compiles the schemas of one folder, draft 2020-12 or 7 as each says. One compiler for all: an instance of ajv compiles the
 * schema of schemas first, which takes longer than any of ours.
 */
export class SchemaCompiler {
  private current: Ajv | undefined;
  private seventh: Ajv | undefined;

  /** @throws Error with ajv's words when the schema itself is wrong. */
  compile(name: string, schema: Record<string, unknown>): PayloadSchema {
    return new PayloadSchema(name, this.ajvFor(schema).compile(schema));
  }

  private ajvFor({ $schema }: Record<string, unknown>): Ajv {
    if (String($schema).includes('draft-07')) {
      this.seventh ??= withFormats(new Ajv(OPTIONS));
      return this.seventh;
    }
    this.current ??= withFormats(new Ajv2020(OPTIONS));
    return this.current;
  }
}

function withFormats(ajv: Ajv): Ajv {
  (addFormats as unknown as (ajv: Ajv) => void)(ajv);
  return ajv;
}

/** A JSON Schema of a payload, compiled by ajv in strict mode. */
export class PayloadSchema {
  readonly name: string;
  private readonly validate: ValidateFunction;

  constructor(name: string, validate: ValidateFunction) {
    this.name = name;
    this.validate = validate;
  }

  /** All violations, each with the JSON pointer of the value; the sentences name what is wanted, never the value. */
  check(tree: unknown): Fault[] {
    if (this.validate(tree)) return [];
    return (this.validate.errors ?? []).slice(0, MAX_FAULTS).map((error) => {
      const extra = error.params as {
        missingProperty?: string;
        additionalProperty?: string;
        allowedValues?: unknown[];
      };
      const named = extra.missingProperty ?? extra.additionalProperty;
      const below = named === undefined ? '' : `/${named.slice(0, 100)}`;
      const allowed = extra.allowedValues ? `: ${extra.allowedValues.slice(0, 20).join(', ')}` : '';
      const problem = `${(error.message ?? error.keyword) + allowed}`;
      return fault('payload-invalid', {
        place: `${error.instancePath}${below}` || '/',
        params: { schema: `schema-${this.name}.json`, problem: problem.slice(0, 300) },
      });
    });
  }
}
