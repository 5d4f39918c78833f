// Shared record: IHE MHD 4.2.3 as PDSm 3.1.1 constrains it, https://interop.esante.gouv.fr/ig/fhir/pdsm
import type { Router } from 'express';
import { type Elsewhere, openElsewhere } from '../../adapter/elsewhere.ts';
import type { Delivery, DeliveryOutcome, Door, DoorContext, DoorType, Written } from '../../adapter.ts';
import { fault, PasserelleError } from '../../errors.ts';
import { configSchema, type PdsmConfig } from './config.ts';
import { consult } from './consult.ts';
import { share, wantsOf } from './deliver.ts';
import { manage } from './mhd.ts';

/** Without `server` the manager of documents, on the base of the FHIR API; with it a client of one elsewhere. */
export const door: DoorType<PdsmConfig> = {
  configSchema,
  create: (context) => {
    const { server } = context.config;
    return server ? new Client(context, openElsewhere(server)) : { http: (router) => manage(router, context) };
  },
};

class Client implements Door {
  private readonly context: DoorContext<PdsmConfig>;
  private readonly record: Elsewhere;

  constructor(context: DoorContext<PdsmConfig>, record: Elsewhere) {
    this.context = context;
    this.record = record;
  }

  http(router: Router) {
    consult(router, this.context, this.record);
  }

  wants(written: Written) {
    return wantsOf(written);
  }

  deliver(delivery: Delivery): Promise<DeliveryOutcome> {
    const { config, fhir } = this.context;
    return share(delivery, { config: { ...config, server: config.server! }, fhir, record: this.record });
  }

  async check() {
    try {
      const { status } = await this.record.send('GET', 'metadata');
      return status === 200 ? [] : [fault('share-unreachable', { params: { reason: `status ${status}` } })];
    } catch (error) {
      if (error instanceof PasserelleError) return error.faults;
      throw error;
    }
  }

  async stop() {
    await this.record.close();
  }
}
