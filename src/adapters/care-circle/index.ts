// Care circle: Cercle de soins 2.0.1, transactions of IHE DCTM, https://interop.esante.gouv.fr/ig/fhir/cds
import { type ElsewhereConfig, elsewhereProperties, openElsewhere } from '../../adapter/elsewhere.ts';
import type { DoorType } from '../../adapter.ts';
import { PasserelleError } from '../../errors.ts';
import { shareCircle, wantsOf } from './deliver.ts';

/** Sends the care circles written here to the server that keeps them; creating, reading and finding is the FHIR API's. */
export const door: DoorType<{ server: ElsewhereConfig }> = {
  configSchema: {
    type: 'object',
    additionalProperties: false,
    required: ['server'],
    properties: {
      server: {
        type: 'object',
        additionalProperties: false,
        required: ['base'],
        description: 'The manager of care circles that ours go to.',
        properties: elsewhereProperties,
      },
    },
  },
  create({ config, fhir }) {
    const manager = openElsewhere(config.server);
    return {
      wants: wantsOf,
      deliver: (delivery) => shareCircle(delivery, { fhir, manager }),
      async check() {
        try {
          await manager.send('GET', 'metadata');
          return [];
        } catch (error) {
          if (error instanceof PasserelleError) return error.faults;
          throw error;
        }
      },
      stop: () => manager.close(),
    };
  },
};
