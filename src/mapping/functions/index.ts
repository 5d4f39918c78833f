import { codeFunctions } from './codes.ts';
import { dateFunctions } from './dates.ts';
import { documentFunctions } from './documents.ts';
import { formFunctions } from './forms.ts';
import type { MapFunction } from './function.ts';
import { peopleFunctions } from './people.ts';
import { quantityFunctions } from './quantities.ts';
import { referenceFunctions } from './references.ts';
import { structureFunctions } from './structure.ts';
import { textFunctions } from './texts.ts';

/** All functions maps may call, by name. What FHIR's mapping language and Medplum lack lives here, and only here. */
export const mapFunctions: Record<string, MapFunction> = {
  ...codeFunctions,
  ...dateFunctions,
  ...documentFunctions,
  ...formFunctions,
  ...peopleFunctions,
  ...quantityFunctions,
  ...referenceFunctions,
  ...structureFunctions,
  ...textFunctions,
};
