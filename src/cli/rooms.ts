import type { Resource } from '@medplum/fhirtypes';
import type { Logger } from 'pino';
import type { Config } from '../config.ts';
import type { Fault } from '../errors.ts';

/** What the command line asks of the rest of the house; loaded when a command needs it, so that `--help` is quick. */

export interface GatewayRoom {
  /** Starts everything; throws PasserelleError with all faults when it cannot. */
  runGateway(config: Config, log: Logger): Promise<Running>;
  /** Maps, profiles, doors and reachability: everything `start` would stumble over, all at once. */
  checkGateway(config: Config, log: Logger): Promise<Fault[]>;
}

export interface Running {
  /** Stops intake, finishes what is in flight, closes. */
  stop(): Promise<void>;
}

export interface Finding {
  severity: 'error' | 'warning' | 'information';
  /** FHIRPath place. */
  path: string;
  rule: string;
  profile?: string;
  message: { en: string; fr?: string };
}

export interface Examiner {
  judge(resource: Resource, options?: { profiles?: string[] }): Finding[];
  profiles: string[];
}

export interface ProfileRoom {
  loadProfiles(
    folders: string[],
  ): { examiner: Examiner; faults: Fault[] } | Promise<{ examiner: Examiner; faults: Fault[] }>;
}

export const gateway = (): Promise<GatewayRoom> => import('../gateway.ts');
export const profile = (): Promise<ProfileRoom> => import('../profile/index.ts' as string);
