import { type FSWatcher, watch } from 'node:fs';
import type { Logger } from 'pino';
import type { Access } from '../access/index.ts';
import type { Config } from '../config.ts';
import { isError, PasserelleError } from '../errors.ts';
import { type Furniture, furnish } from './furnish.ts';

/** Editors write a file in several steps, and people save several files: one reading when it has been quiet so long. */
const quietMs = 300;

/**
 * Watches the folders of maps, profiles and rules while the gateway runs. What has changed is read and checked as a whole: with
 * any fault the rooms stay as they are and the log names file, line and rule; without, all are replaced at once, between two
 * messages. (What a running message began with, it ends with: a conversion is one turn.) The porter's rules of access are
 * checked by themselves: a mistake in a map must not keep a tighter rule from holding. Search parameters are read at the start only.
 */
export function watchRooms(
  folders: Config['folders'],
  rooms: [Furniture, ...Furniture[]],
  access: Pick<Access, 'renewRules'>,
  log: Logger,
): { stop(): void } {
  let waiting: NodeJS.Timeout | undefined;
  const read = () => {
    waiting = undefined;
    renewAccess(access, log);
    const before = rooms[0].translator;
    const { house: fresh, faults } = furnish(folders);
    if (!fresh) {
      log.error({ faults: faults.filter(isError).slice(0, 20) }, 'maps or profiles have faults; those in use stay');
      return;
    }
    for (const one of rooms) Object.assign(one, fresh);
    const changed = Object.keys(fresh.translator.maps).filter(
      (name) => fresh.translator.maps[name] !== before.maps[name],
    );
    log.info({ maps: changed }, 'maps and profiles loaded anew');
  };
  const soon = () => {
    clearTimeout(waiting);
    waiting = setTimeout(read, quietMs).unref();
  };
  const watchers = [folders.mappings, ...folders.profiles].flatMap((folder) => watcherOf(folder, soon, log));
  return {
    stop() {
      clearTimeout(waiting);
      for (const one of watchers) one.close();
    },
  };
}

function renewAccess(access: Pick<Access, 'renewRules'>, log: Logger): void {
  try {
    if (access.renewRules()) log.info('rules of access loaded anew');
  } catch (error) {
    const reason = error instanceof PasserelleError ? { faults: error.faults.slice(0, 20) } : { err: error };
    log.error(reason, 'rules of access not loaded anew; those in use stay');
  }
}

/** A folder that cannot be watched (some network drives) is read at the next start; the log says so. */
function watcherOf(folder: string, changed: () => void, log: Logger): FSWatcher[] {
  try {
    const watcher = watch(folder, { persistent: false }, (_event, file) => {
      if (file === null || /\.(map|json)$/.test(file)) changed();
    });
    watcher.on('error', (err) => log.warn({ err, folder }, 'folder no longer watched'));
    return [watcher];
  } catch (err) {
    log.warn({ err, folder }, 'folder cannot be watched');
    return [];
  }
}
