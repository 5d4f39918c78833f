import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Bundle, BundleEntry, Patient, Resource } from '@medplum/fhirtypes';
import type { FhirEndpoint } from '../../src/adapter.ts';
import type { Conversion, Draft } from '../../src/conversion.ts';
import { type Decision, enrol, type RegistrarContext } from '../../src/identity/index.ts';
import { assemble } from '../../src/mapping/assemble.ts';
import { openStore } from '../../src/store/index.ts';

/** The embedded FHIR server in a folder of its own, and what a pipeline does with decisions and drafts. */
export interface Server {
  endpoint: FhirEndpoint;
  /** Writes drafts as one transaction; throws unless every entry succeeded. */
  write(drafts: Draft[]): Promise<string[]>;
  /** One message about one patient: identity, then what is to be written. */
  receive(patient: Patient, context?: Partial<RegistrarContext>): Promise<Decision>;
  read<R extends Resource>(reference: string): Promise<R>;
  search<R extends Resource>(query: string): Promise<R[]>;
  close(): void;
}

let messages = 0;

export function startServer(): Server {
  const folder = mkdtempSync(join(tmpdir(), 'passerelle-'));
  const store = openStore({ file: join(folder, 'fhir.sqlite') });
  const { endpoint } = store;
  const server: Server = {
    endpoint,
    async write(drafts) {
      if (drafts.length === 0) return [];
      const conversion: Conversion = { drafts, intents: [], faults: [], unmapped: [], traces: [], maps: {} };
      const id = `00000000-0000-4000-8000-${String(++messages).padStart(12, '0')}`;
      const bundle = assemble(conversion, { message: { id, sender: 'test', receivedAt: Date.now() } });
      const response = await endpoint.send({ method: 'POST', path: '', body: bundle });
      if (response.status !== 200) throw new Error(`transaction: ${response.status} ${JSON.stringify(response.body)}`);
      const entries = (response.body as Bundle).entry as BundleEntry[];
      return entries.map(
        (entry) => entry.response?.location?.replace(/\/_history.*$/, '').replace(/^.*?([A-Z]\w+\/)/, '$1') ?? '',
      );
    },
    async receive(patient, context) {
      const decision = await enrol(draftOf(patient), endpoint, contextOf(context));
      await server.write([...(decision.patient ? [decision.patient] : []), ...decision.tasks]);
      return decision;
    },
    async read<R extends Resource>(reference: string) {
      const response = await endpoint.send({ method: 'GET', path: reference });
      if (response.status !== 200) throw new Error(`${reference}: ${response.status}`);
      return response.body as R;
    },
    async search<R extends Resource>(query: string) {
      const response = await endpoint.send({ method: 'GET', path: query });
      if (response.status !== 200) throw new Error(`${query}: ${response.status}`);
      return ((response.body as Bundle).entry ?? []).flatMap((entry) => (entry.resource ? [entry.resource as R] : []));
    },
    close() {
      store.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
  return server;
}

export function contextOf(context: Partial<RegistrarContext> = {}): RegistrarContext {
  const receivedAt = context.receivedAt ?? new Date('2020-11-10T09:00:00Z');
  return { receivedAt, asOf: receivedAt.toISOString(), source: 'urn:passerelle:message:test', ...context };
}

export function draftOf(patient: Patient): Draft<Patient> {
  const fullUrl = `urn:uuid:00000000-0000-4000-9000-${String(++messages).padStart(12, '0')}`;
  const identity = { system: 'http://passerelle.example/fhir/NamingSystem/place', value: fullUrl };
  return { key: 'patient', fullUrl, resource: patient, write: 'update', identity };
}
