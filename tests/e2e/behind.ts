import { afterAll, beforeAll } from '@jest/globals';
import { type RunningGateway, startGateway } from './running.ts';

/** What is behind a gateway: how it is told of that, and how that is stopped. */
export interface Behind {
  settings: Record<string, string>;
  stop?(): Promise<void>;
}

/** The server in the gateway itself. */
export const embedded = async (): Promise<Behind> => ({ settings: {} });

/** A gateway for all tests of a suite that hold whatever server is behind; `ready` gets it before the first of them. */
export function withGateway(
  start: () => Promise<Behind>,
  ready: (gateway: RunningGateway) => void | Promise<void>,
): void {
  let behind: Behind | undefined;
  let gateway: RunningGateway | undefined;
  beforeAll(async () => {
    behind = await start();
    gateway = await startGateway(behind.settings);
    await ready(gateway);
  }, 600_000);
  afterAll(async () => {
    await gateway?.remove();
    await behind?.stop?.();
  }, 60_000);
}
