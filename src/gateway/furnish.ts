import type { Config } from '../config.ts';
import { type Fault, PasserelleError } from '../errors.ts';
import { loadMappings } from '../mapping/index.ts';
import { loadPathway } from '../pathway/index.ts';
import type { PureHouse } from '../pipeline/convert-bytes.ts';
import { loadProfiles } from '../profile/index.ts';

/** What the data files come to: the pure rooms, or everything that is wrong with them. */
export interface Furnished {
  house?: PureHouse;
  faults: Fault[];
}

/** Loads maps, profiles and the rules of the pathway; all faults at once. */
export function furnish(folders: Config['folders']): Furnished {
  const mappings = loadMappings(folders.mappings);
  const profiles = loadProfiles(folders.profiles);
  const pathway = loadPathway(folders.mappings, folders.profiles[0] ?? '');
  const faults = [...mappings.faults, ...profiles.faults, ...pathway.faults];
  const broken = faults.some((one) => one.severity === 'error');
  if (broken || !mappings.translator || !pathway.pathway) return { faults };
  return {
    house: { translator: mappings.translator, examiner: profiles.examiner, pathway: pathway.pathway },
    faults,
  };
}

/** As {@link furnish}; throws all faults when anything is wrong. */
export function furnished(folders: Config['folders']): PureHouse {
  const { house, faults } = furnish(folders);
  if (!house) throw new PasserelleError(faults);
  return house;
}
