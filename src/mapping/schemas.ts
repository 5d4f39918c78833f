import { Ajv, type ValidateFunction } from 'ajv';
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { type Fault, fault } from '../errors.ts';

/** More than a person will read; the rest is counted out. */
const MAX_FAULTS = 50;

/** A JSON Schema of a payload, compiled by ajv in strict mode. */
export class PayloadSchema {
  readonly name: string;
  private readonly validate: ValidateFunction;

  /** @throws Error with ajv's words when the schema itself is wrong. */
  constructor(name: string, schema: Record<string, unknown>) {
    this.name = name;
    const options = { allErrors: true, strict: true, strictRequired: false, allowUnionTypes: true } as const;
    const draft = String(schema.$schema ?? '');
    const ajv = draft.includes('draft-07') ? new Ajv(options) : new Ajv2020(options);
    (addFormats as unknown as (ajv: Ajv) => void)(ajv);
    this.validate = ajv.compile(schema);
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
      const missing = extra.missingProperty ? `/${extra.missingProperty}` : '';
      const allowed = extra.allowedValues ? `: ${extra.allowedValues.slice(0, 20).join(', ')}` : '';
      const problem = `${(error.message ?? error.keyword) + allowed}`;
      return fault('payload-invalid', {
        place: `${error.instancePath}${missing}` || '/',
        params: { schema: `schema-${this.name}.json`, problem: problem.slice(0, 300) },
      });
    });
  }
}
