import type { ErrorObject } from 'ajv';

const types: Record<string, string> = {
  string: 'un texte',
  number: 'un nombre',
  integer: 'un nombre entier',
  boolean: 'true ou false',
  object: 'un objet',
  array: 'une liste',
};

/** What ajv found, in French; it says it itself in English. Never the value. */
export function frenchProblem({ keyword, params }: Pick<ErrorObject, 'keyword' | 'params'>): string {
  switch (keyword) {
    case 'type':
      return `attendu ${[params.type]
        .flat()
        .map((one: string) => types[one] ?? one)
        .join(' ou ')}`;
    case 'required':
      return `« ${params.missingProperty} » manque`;
    case 'additionalProperties':
      return `« ${params.additionalProperty} » n’est pas connu`;
    case 'enum':
      return 'attendu une valeur de la liste';
    case 'anyOf':
      return 'attendu une des formes permises';
    case 'oneOf':
      return 'attendu exactement une des formes permises';
    case 'pattern':
      return `n’a pas la forme attendue, ${params.pattern}`;
    case 'format':
      return `n’a pas la forme attendue, ${params.format}`;
    case 'minimum':
    case 'maximum':
    case 'exclusiveMinimum':
    case 'exclusiveMaximum':
      return `attendu ${params.comparison} ${params.limit}`;
    case 'minItems':
    case 'minLength':
      return `trop court, au moins ${params.limit}`;
    case 'maxItems':
    case 'maxLength':
      return `trop long, au plus ${params.limit}`;
    default:
      return 'n’est pas admis ici';
  }
}
