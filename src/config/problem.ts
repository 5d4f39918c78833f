import type { ErrorObject } from 'ajv';
import type { Words } from '../errors/entry.ts';
import { frenchProblem } from '../errors/schema.ts';

/** What ajv found about a setting, in words. The meaning of a setting stands in the schema, which is written in English. */
export function problemOf(error: ErrorObject): Words {
  const { keyword, params, message = 'is not valid' } = error;
  if (keyword === 'additionalProperties') {
    const name = params.additionalProperty;
    return { fr: `n’a pas de réglage « ${name} »`, en: `has no setting called "${name}"` };
  }
  if (keyword === 'required') {
    return { fr: `« ${params.missingProperty} » manque`, en: `lacks "${params.missingProperty}"` };
  }
  if (keyword === 'enum') {
    const list = params.allowedValues.join(', ');
    return { fr: `attendu un de ${list}`, en: `must be one of ${list}` };
  }
  if (keyword === 'oneOf') {
    const forms = error.schema as { required?: string[] }[];
    const list = forms.flatMap((form) => form.required ?? []).join(', ');
    return { fr: `attendu exactement un de ${list}`, en: `must have exactly one of ${list}` };
  }
  const meaning = (error.parentSchema as { description?: string } | undefined)?.description;
  return { fr: frenchProblem(error), en: meaning ? `${message} (${meaning.split('. ')[0]})` : message };
}
