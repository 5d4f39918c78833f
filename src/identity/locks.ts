/** Runs work that must not overlap with other work on one of the same keys; the others run side by side. */
export interface IdentityLocks {
  /** @param keys see identityKeys; work on disjoint keys is concurrent, and waits are in order of arrival. */
  within<T>(keys: string[], work: () => Promise<T>): Promise<T>;
}

/**
 * Locks of this process, and of all processes on one journal where `reserve` is the journal's.
 * Each key keeps the promise of its last holder, so waiting costs no queue of its own and no deadlock is possible: all
 * keys are taken in the same turn of the event loop.
 */
export function createLocks(reserve?: (keys: string[]) => Promise<() => void>): IdentityLocks {
  const last = new Map<string, Promise<unknown>>();
  return {
    async within(keys, work) {
      const names = [...new Set(keys)];
      const before = names.map((name) => last.get(name)).filter((one) => one !== undefined);
      const mine = Promise.allSettled(before).then(async () => {
        const release = await reserve?.(names);
        try {
          return await work();
        } finally {
          release?.();
        }
      });
      const settled = mine.then(
        () => undefined,
        () => undefined,
      );
      for (const name of names) last.set(name, settled);
      try {
        return await mine;
      } finally {
        for (const name of names) if (last.get(name) === settled) last.delete(name);
      }
    },
  };
}
