import type { DoorContext } from '../../adapter.ts';
import type { MailConfig } from './config.ts';
import type { Directory } from './directory.ts';
import type { Sender } from './smtp.ts';

/** What sending takes: the door's surroundings, its operator, where addresses are looked up. */
export interface Post {
  context: Pick<DoorContext<MailConfig>, 'config' | 'fhir' | 'log' | 'original'>;
  sender: Sender;
  directories: Directory[];
}
