import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { CodeSystem, Questionnaire, Resource, StructureDefinition, ValueSet } from '@medplum/fhirtypes';
import { type Fault, fault, warning } from '../errors.ts';
import { isProven } from '../proven.ts';
import { Examiner } from './examiner.ts';
import { Extractor } from './extract/extractor.ts';
import { QuestionnaireBook } from './questionnaire.ts';
import { DefinitionStore } from './store.ts';
import { Terminology } from './terminology.ts';
import { Vocabulary } from './vocabulary.ts';

export type { Examiner, Note } from './examiner.ts';
export type { Extracted, ExtractionResult, Extractor } from './extract/extractor.ts';
export type { Finding } from './finding.ts';
export type { Concept, Expansion, Vocabulary } from './vocabulary.ts';

const LARGEST_FILE = 20 * 1024 * 1024;

interface Loaded {
  file: string;
  text: string;
  resource: Resource;
}

/**
 * Reads the definitions of some folders (`*.json`, not deeper) and compiles them, with base R4 behind them. What ships and is
 * known to be sound is compiled by the first resource that needs it, unless `examine` is set.
 *
 * Every fault of every file comes back at once: JSON that cannot be read (file and line), a snapshot that cannot be made,
 * an invariant that is not FHIRPath (file, line and rule). The examiner works with what is sound.
 */
export function loadProfiles(
  folders: string[],
  { examine = false } = {},
): { examiner: Examiner; vocabulary: Vocabulary; extractor: Extractor; faults: Fault[] } {
  const faults: Fault[] = [];
  const loaded = folders.flatMap((folder) => readFolder(folder, faults));
  const store = new DefinitionStore();
  const terminology = new Terminology();
  const vocabulary = new Vocabulary(terminology);
  const questionnaires = new QuestionnaireBook(terminology);
  const extractor = new Extractor();
  const files = new Map<string, Loaded>();
  for (const one of loaded) {
    const { resource } = one;
    const url = (resource as { url?: string }).url ?? '';
    switch (resource.resourceType) {
      case 'StructureDefinition':
        files.set(url, one);
        store.add(resource as StructureDefinition);
        break;
      case 'CodeSystem':
      case 'ValueSet':
        terminology.add(resource as CodeSystem | ValueSet);
        vocabulary.add(resource as CodeSystem | ValueSet);
        break;
      case 'Questionnaire':
        questionnaires.add(resource as Questionnaire);
        faults.push(...extractionFaults(one, extractor));
        break;
    }
  }
  const examiner = new Examiner(store, terminology, (value, trial) => questionnaires.judge(value, trial));
  if (examine || !isProven(...loaded.map((one) => one.text))) examiner.prepare();
  for (const note of examiner.notes) {
    if (note.severity === 'error') {
      const file = files.get(note.profile);
      const line = file ? lineOf(file.text, note.element) : 0;
      const place = `${file?.file ?? note.profile}:${line}`;
      faults.push(
        fault('profile-broken', {
          place,
          rule: note.element,
          detail: note.problem,
          params: { place, problem: note.problem },
        }),
      );
    }
  }
  return { examiner, vocabulary, extractor, faults };
}

/** A template that cannot be used is a fault of its file, as a broken invariant is. */
function extractionFaults({ file, resource }: Loaded, extractor: Extractor): Fault[] {
  const problem = extractor.add(resource as Questionnaire);
  return problem === undefined ? [] : [fault('profile-broken', { place: file, params: { place: file, problem } })];
}

function readFolder(folder: string, faults: Fault[]): Loaded[] {
  let names: string[];
  try {
    names = readdirSync(folder)
      .filter((name) => name.endsWith('.json'))
      .sort();
  } catch {
    faults.push(fault('profile-folder', { place: folder, params: { folder } }));
    return [];
  }
  return names.flatMap((name) => readFile(join(folder, name), faults));
}

function readFile(file: string, faults: Fault[]): Loaded[] {
  if (statSync(file).size > LARGEST_FILE) {
    faults.push(warning('profile-unreadable', { place: file, params: { place: file, problem: 'larger than 20 MB' } }));
    return [];
  }
  const text = readFileSync(file, 'utf8');
  try {
    const resource = JSON.parse(text) as Resource;
    return typeof resource?.resourceType === 'string' ? [{ file, text, resource }] : [];
  } catch (error) {
    const problem = error instanceof Error ? error.message : String(error);
    const at = /position (\d+)/.exec(problem);
    const line = at ? text.slice(0, Number(at[1])).split('\n').length : 1;
    const place = `${file}:${line}`;
    faults.push(fault('profile-unreadable', { place, params: { place, problem } }));
    return [];
  }
}

/** Line of an element in its file, by its id. */
function lineOf(text: string, element: string): number {
  const at = text.indexOf(`"${element}"`);
  return at < 0 ? 1 : text.slice(0, at).split('\n').length;
}
