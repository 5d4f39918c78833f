import type { Fault } from '../errors.ts';
import type { Config } from './shape.ts';

/** What faults have to do with, by the setting each names. */
export interface Touched {
  /** Parts of the configuration (`http`, `access`); a list only where a fault is not about one of its entries. */
  parts: Set<string>;
  /** Entries, by place or by name: `doors.0`, `doors.mllp`. */
  entries: Set<string>;
}

const lists = ['doors', 'destinations'] as const;

/** The parts and entries that faults name. */
export function touchedBy(faults: Fault[]): Touched {
  const touched: Touched = { parts: new Set(), entries: new Set() };
  for (const { params } of faults) {
    const [part = '', entry] = String(params?.setting).split(/[.[\]]+/);
    if (entry && lists.some((list) => list === part)) touched.entries.add(`${part}.${entry}`);
    else touched.parts.add(part);
  }
  return touched;
}

/** The configuration without its entries that have a fault: what is wrong with the others can still be found. */
export function withoutEntries(config: Config, { parts, entries }: Touched): Config {
  const sound = { ...config };
  for (const list of lists) {
    if (!Array.isArray(config[list]) || parts.has(list)) sound[list] = [];
    else sound[list] = config[list].filter((one, at) => !entries.has(`${list}.${at}`) && !named(one.name));
  }
  return sound;

  /** Rules name doors and destinations alike `doors.NAME`. */
  function named(name: string) {
    return lists.some((list) => entries.has(`${list}.${name}`));
  }
}
