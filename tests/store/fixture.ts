import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Bundle, OperationOutcome, Resource } from '@medplum/fhirtypes';
import type { FhirRequest, FhirResponse } from '../../src/adapter.ts';
import { openStore, type Store, type StoreOptions } from '../../src/store/index.ts';

export type Body = Record<string, unknown>;

/** A store on a real file in a folder of its own, with short ways to ask it. */
export interface Fixture {
  store: Store;
  file: string;
  send(
    method: FhirRequest['method'],
    path: string,
    body?: unknown,
    headers?: Record<string, string>,
  ): Promise<FhirResponse>;
  get(path: string, headers?: Record<string, string>): Promise<FhirResponse>;
  /** Creates under the id of the resource, or one of the server's. */
  put(resource: Body): Promise<Resource & { id: string }>;
  /** Ids (`Type/id` for included ones) that a search answers, in order. */
  ids(path: string): Promise<string[]>;
  search(path: string): Promise<Bundle>;
  reopen(options?: Partial<StoreOptions>): Promise<void>;
  close(): Promise<void>;
}

export function openFixture(options: Partial<StoreOptions> = {}): Fixture {
  const folder = mkdtempSync(join(tmpdir(), 'passerelle-store-'));
  const file = join(folder, 'fhir.sqlite');
  const foreseen = { report: (error: unknown) => console.error(error), ...options };
  const fixture: Fixture = {
    store: openStore({ file, ...foreseen }),
    file,
    send: (method, path, body, headers = {}) => fixture.store.endpoint.send({ method, path, body, headers }),
    get: (path, headers = {}) => fixture.store.endpoint.send({ method: 'GET', path, headers }),
    put: async (resource) => {
      const { resourceType, id } = resource;
      const answer = id
        ? await fixture.send('PUT', `${resourceType}/${id}`, resource)
        : await fixture.send('POST', String(resourceType), resource);
      if (answer.status > 201) throw new Error(`${answer.status} ${JSON.stringify(answer.body)}`);
      return answer.body as Resource & { id: string };
    },
    search: async (path) => {
      const answer = await fixture.get(path, { prefer: 'handling=strict' });
      if (answer.status !== 200) throw new Error(`${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
      return answer.body as Bundle;
    },
    ids: async (path) =>
      ((await fixture.search(path)).entry ?? []).map((entry) =>
        entry.search?.mode === 'match' ? entry.resource!.id! : `${entry.resource!.resourceType}/${entry.resource!.id}`,
      ),
    reopen: async (changed = {}) => {
      await fixture.store.close();
      fixture.store = openStore({ file, ...foreseen, ...changed });
    },
    close: async () => {
      await fixture.store.close();
      rmSync(folder, { recursive: true });
    },
  };
  return fixture;
}

/** Code of the register in an OperationOutcome. */
export function codeOf(answer: FhirResponse): string | undefined {
  return (answer.body as OperationOutcome).issue[0]?.details?.coding?.[0]?.code;
}
