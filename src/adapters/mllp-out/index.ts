import type { DoorType } from '../../adapter.ts';
import { openClient } from './client.ts';
import { configSchema, type MllpOutConfig } from './config.ts';
import { hearsOf, type MllpPayload } from './hears.ts';

/** HL7 v2 messages out over MLLP: a hospital hears what became of the documents it sent. */
export const door: DoorType<MllpOutConfig> = {
  configSchema,
  create({ config }) {
    const client = openClient(config);
    return {
      hears: (news) => hearsOf(news, config),
      deliver({ payload }) {
        const { controlId, message } = payload as MllpPayload;
        return client.send(controlId, message);
      },
      stop: async () => client.close(),
    };
  },
};
