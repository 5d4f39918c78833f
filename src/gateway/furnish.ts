import type { Config } from '../config.ts';
import { type Fault, isError, PasserelleError } from '../errors.ts';
import { loadMappings } from '../mapping/index.ts';
import { loadPathway } from '../pathway/index.ts';
import type { House } from '../pipeline/house.ts';
import { loadProfiles } from '../profile/index.ts';

/** The rooms made of data files. */
export type Furniture = Pick<House, 'translator' | 'examiner' | 'extractor' | 'vocabulary' | 'pathway'>;

/** What the data files come to: the pure rooms, or everything that is wrong with them. */
export interface Furnished {
  house?: Furniture;
  faults: Fault[];
}

/** Loads maps, profiles and the rules of the pathway; all faults at once. */
export function furnish(folders: Config['folders']): Furnished {
  const mappings = loadMappings(folders.mappings);
  const profiles = loadProfiles(folders.profiles);
  const pathway = loadPathway(folders.mappings, folders.profiles[0] ?? '');
  const faults = [...mappings.faults, ...profiles.faults, ...pathway.faults];
  for (const table of mappings.translator?.tables.values() ?? []) {
    for (const { system, code, display } of table.words()) profiles.vocabulary.addWords(system, code, display);
  }
  const broken = faults.some(isError);
  if (broken || !mappings.translator || !pathway.pathway) return { faults };
  return {
    house: {
      translator: mappings.translator,
      examiner: profiles.examiner,
      extractor: profiles.extractor,
      vocabulary: profiles.vocabulary,
      pathway: pathway.pathway,
    },
    faults,
  };
}

/** As {@link furnish}; throws all faults when anything is wrong. */
export function furnished(folders: Config['folders']): Furniture {
  const { house, faults } = furnish(folders);
  if (!house) throw new PasserelleError(faults);
  return house;
}
