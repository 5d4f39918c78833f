/** The translator: from decoded trees to drafts of resources, by the maps of a folder. See README.md. */
export type { IgnoreRule } from './account.ts';
export { type Assembly, assemble, provenanceId } from './assemble.ts';
export { type Explanation, explain } from './explain.ts';
export type { FormRoute } from './form-routes.ts';
export type { FormSources, WrittenForm } from './forms.ts';
export { buildMappings, loadMappings, reloadMappings } from './load.ts';
export { compare, type Difference } from './preview.ts';
export type { Route } from './routes.ts';
export type { ConvertContext, EmbeddedDocument } from './run.ts';
export type { Translator } from './translator.ts';
