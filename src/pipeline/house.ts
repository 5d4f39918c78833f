import type { Resource } from '@medplum/fhirtypes';
import type { Logger } from 'pino';
import type { Delivery, DeliveryOutcome, Ended, FhirEndpoint, Written } from '../adapter.ts';
import type { IdentityLocks } from '../identity/index.ts';
import type { NewDelivery } from '../journal/journal.ts';
import type { Translator } from '../mapping/index.ts';
import type { PathwayRules } from '../pathway/index.ts';
import type { Examiner, Extractor, Vocabulary } from '../profile/index.ts';
import type { Prepared } from './prepared.ts';

/** What becomes of a message with an error: kept for a person, refused, or written all the same (setting `conformance.errors`). */
export type Nonconforming = 'quarantine' | 'refuse' | 'deliver';

/** Who gets a document by secure mail when its sender asks for that and names no professional (setting `recipients.unnamed`). */
export interface UnnamedRecipients {
  from: ('general-practitioner' | 'care-team')[];
  /** What the rules of access say to each resource being seen by the professional of that RPPS number: `unknown` when none applies. */
  stances(practitioner: string, resources: Resource[]): Promise<('allowed' | 'refused' | 'unknown')[]>;
}

/** What the pipeline works with; put together by the gateway, replaceable as a whole when maps are loaded anew. */
export interface House {
  translator: Translator;
  examiner: Examiner;
  /** Makes resources of the answers to the loaded Questionnaires. */
  extractor: Extractor;
  /** What becomes of a message whose resources break what they must keep; `quarantine` when nothing is said. */
  nonconforming?: Nonconforming;
  /** Absent: documents go to nobody who is not named. */
  unnamed?: UnnamedRecipients;
  /** Terminology, for those who ask for it. */
  vocabulary: Vocabulary;
  /** Plans, rules and thresholds of the pathway. */
  pathway: PathwayRules;
  /** Addresses under which the FHIR API of this gateway is reached, known once it listens. */
  bases?: string[];
  /** The FHIR server, for look-ups. */
  fhir: FhirEndpoint;
  /** What a JSON Patch or FHIRPath Patch makes of a resource; changes nothing. Throws PasserelleError when it does not apply. */
  patched(resource: Resource, patch: unknown): Resource;
  /** Hands a transaction to the FHIR server and classifies the answer. */
  deliver(delivery: Delivery): Promise<DeliveryOutcome>;
  /** One piece of work at a time on one patient, over all processes. */
  locks: IdentityLocks;
  /** Conversions of messages that have just come in. */
  prepared: Prepared;
  /** Takes messages up again that were held until somebody decided. */
  takeUp(ids: string[]): Promise<unknown>;
  /** What else must go out because of a message, for the doors of the configuration's destinations. */
  consequences(written: Written): NewDelivery[];
  /** What the sender of a message is to be told of its end, for the door it came in by. */
  answers(door: string, ended: Ended): Promise<NewDelivery[]>;
  log: Logger;
  now(): Date;
}
