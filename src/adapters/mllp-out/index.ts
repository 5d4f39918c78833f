import type { DoorType } from '../../adapter.ts';
import { openClient } from './client.ts';
import { configSchema, type MllpOutConfig } from './config.ts';
import { hearsOf, type MllpPayload } from './hears.ts';
import { deliverDocument, documentsFor } from './practice.ts';

/** HL7 v2 messages out over MLLP: a hospital hears what became of its documents, practice software gets those for it. */
export const door: DoorType<MllpOutConfig> = {
  configSchema,
  create(context) {
    const { config } = context;
    const client = openClient(config);
    return {
      // Software of a practice gets documents; what became of those of others is not its business.
      ...(config.practice
        ? { wants: (written) => documentsFor(written, config) }
        : { hears: (news) => hearsOf(news, config) }),
      deliver(delivery) {
        const { kind, payload } = delivery;
        if (kind === 'practice') return deliverDocument(delivery, context, client);
        const { controlId, message } = payload as MllpPayload;
        return client.send(controlId, message);
      },
      stop: async () => client.close(),
    };
  },
};
