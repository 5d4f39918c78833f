import { getCompileCacheDir } from 'node:module';
import { Worker } from 'node:worker_threads';
import type { Bundle, Resource } from '@medplum/fhirtypes';
import type { FhirEndpoint, FhirRequest, FhirResponse } from '../adapter.ts';
import { fault, httpStatus, operationOutcome } from '../errors.ts';
import { LONG_BYTES, LongBase64 } from '../formats/fhir/long-base64.ts';
import type { StoreOptions } from './index.ts';
import { type Lent, lend } from './lend.ts';

/** A request on its way to the thread. A body of JSON travels as text: writing and reading that is quicker than a clone. */
export interface Asked {
  id: number;
  request: Omit<FhirRequest, 'body'>;
  text?: string;
  bytes?: Uint8Array;
  documents?: Document[];
  lent?: Lent;
}

/** The content of a large Binary, which travels as its bytes beside the text; `place` is that of its entry. */
interface Document {
  place: number;
  bytes: Uint8Array<ArrayBuffer>;
}

/** An answer on its way back. */
export interface Answered {
  id: number;
  response: Omit<FhirResponse, 'body'>;
  text?: string;
  bytes?: Uint8Array;
}

/** What the thread is started with: everything of the store's options that is plain data. */
export interface ThreadData {
  options: Omit<StoreOptions, 'validate' | 'describe' | 'report'>;
  compileCache?: string;
}

/** What the thread says. */
export type Said =
  | { kind: 'ready' }
  | { kind: 'unable'; message: string }
  | { kind: 'answers'; answers: Answered[] }
  | { kind: 'failed'; name: string; message: string; stack?: string };

/** The embedded server in a thread of its own. */
export interface StoreThread {
  endpoint: FhirEndpoint;
  /** Commits what waits and ends the thread; nothing may be asked after that. */
  close(): Promise<void>;
}

/**
 * Opens the embedded server in a thread of its own: writing and syncing its file hold up nobody who hands in a message, and on
 * two cores pipeline and store work at the same time. What all requests of one turn ask goes over in one piece.
 *
 * Should the thread die, what it was asked is answered `504` (nobody knows whether it was written), and the next request
 * starts it anew.
 * @throws Error when the file cannot be opened or written
 */
export async function openStoreThread(options: StoreOptions): Promise<StoreThread> {
  const thread = new Thread(options);
  await thread.ready();
  // The porter's questions come many to a request, those of the pipeline to every message: read here, beside the thread.
  const { openReading } = await import('./reading.ts');
  const reading = openReading(options.file, options.searchParameters);
  return {
    endpoint: {
      send: (request) => thread.send(request),
      find: reading.find,
      findAll: reading.findAll,
      readings: reading.readings,
    },
    close: async () => {
      reading.close();
      await thread.close();
    },
  };
}

class Thread {
  readonly #options: StoreOptions;
  readonly #pending = new Map<number, (response: FhirResponse) => void>();
  #worker: Worker | undefined;
  #started: Promise<void> | undefined;
  #leaving: Asked[] = [];
  #last = 0;

  constructor(options: StoreOptions) {
    this.#options = options;
  }

  ready(): Promise<void> {
    this.#started ??= this.#start();
    return this.#started;
  }

  send({ body, ...request }: FhirRequest): Promise<FhirResponse> {
    const id = ++this.#last;
    const lent = lend({ ...request, body }, this.#options);
    this.#leaving.push({ id, request, ...packed(body, request), ...(lent ? { lent } : {}) });
    if (this.#leaving.length === 1) setImmediate(() => void this.#dispatch());
    return new Promise((resolve) => this.#pending.set(id, resolve));
  }

  async close(): Promise<void> {
    const worker = this.#worker;
    if (!worker) return;
    const gone = new Promise((resolve) => worker.once('exit', resolve));
    worker.postMessage('close');
    await gone;
  }

  async #dispatch(): Promise<void> {
    const asked = this.#leaving;
    this.#leaving = [];
    try {
      await this.ready();
      const documents = asked.flatMap((one) => one.documents ?? []);
      this.#worker!.postMessage(
        asked,
        documents.map(({ bytes }) => bytes.buffer),
      );
    } catch (error) {
      this.#options.report?.(error);
      for (const { id } of asked) this.#answer(id, unavailable());
    }
  }

  async #start(): Promise<void> {
    const { validate: _validate, describe: _describe, report, ...options } = this.#options;
    const workerData: ThreadData = { options, compileCache: getCompileCacheDir() };
    const worker = new Worker(new URL('./thread-worker.ts', import.meta.url), { workerData });
    this.#worker = worker;
    worker.on('error', (error) => report?.(error));
    await new Promise<void>((resolve, reject) => {
      worker.on('message', (said: Said) => {
        if (said.kind === 'ready') resolve();
        else if (said.kind === 'unable') reject(new Error(said.message));
        else this.#hear(said);
      });
      worker.once('exit', () => {
        this.#gone();
        reject(new Error('the thread of the FHIR store ended'));
      });
    });
  }

  #hear(said: Exclude<Said, { kind: 'ready' | 'unable' }>): void {
    if (said.kind === 'failed') {
      this.#options.report?.(Object.assign(new Error(said.message), { name: said.name, stack: said.stack }));
      return;
    }
    for (const { id, response, text, bytes } of said.answers) {
      this.#answer(id, { ...response, ...unpacked({ text, bytes }) });
    }
  }

  /** What is on its way is lost; what has not left yet finds a new thread. */
  #gone(): void {
    this.#worker = undefined;
    this.#started = undefined;
    const waiting = new Set(this.#leaving.map(({ id }) => id));
    for (const id of [...this.#pending.keys()]) if (!waiting.has(id)) this.#answer(id, unavailable());
  }

  #answer(id: number, response: FhirResponse): void {
    const resolve = this.#pending.get(id);
    this.#pending.delete(id);
    resolve?.(response);
  }
}

/**
 * A body as it travels. Text of large documents would be in memory four times over; in a transaction, which answers with no
 * resources, they stay bytes up to the row they are written to.
 */
function packed(body: unknown, { headers }: Pick<FhirRequest, 'headers'>): Pick<Asked, 'text' | 'bytes' | 'documents'> {
  if (body instanceof Uint8Array) return { bytes: body };
  if (body === undefined) return {};
  const { resourceType, type, entry } = body as Bundle;
  const isMinimal = headers?.prefer === 'return=minimal';
  if (resourceType !== 'Bundle' || type !== 'transaction' || !isMinimal || !Array.isArray(entry)) {
    return { text: JSON.stringify(body) };
  }
  const documents: Document[] = [];
  const light = entry.map((one, place) => {
    const content = largeData(one?.resource);
    if (!content) return one;
    // A buffer changes hands once.
    const isTwice = documents.some(({ bytes }) => bytes.buffer === content.buffer);
    documents.push({ place, bytes: isTwice ? new Uint8Array(content) : content });
    return { ...one, resource: { ...one.resource, data: '' } };
  });
  if (documents.length === 0) return { text: JSON.stringify(body) };
  return { text: JSON.stringify({ ...(body as Bundle), entry: light }), documents };
}

/** The content of a large Binary as bytes in a buffer of their own, which can change hands; only of what is base64 throughout. */
function largeData(resource: Resource | undefined): Uint8Array<ArrayBuffer> | undefined {
  if (resource?.resourceType !== 'Binary') return undefined;
  const data = resource.data as string | LongBase64 | undefined;
  if (data instanceof LongBase64) return data.give();
  if (data === undefined || data.length < LONG_BYTES || data.length % 4 !== 0) return undefined;
  if (data.includes('-') || data.includes('_')) return undefined;
  const padding = data.endsWith('==') ? 2 : data.endsWith('=') ? 1 : 0;
  const bytes = Buffer.allocUnsafeSlow((data.length / 4) * 3 - padding);
  return bytes.write(data, 'base64') === bytes.length ? (bytes as Uint8Array<ArrayBuffer>) : undefined;
}

/** A body that has arrived. */
export function unpacked({ text, bytes, documents = [] }: Partial<Asked>): { body?: unknown } {
  if (bytes) return { body: bytes };
  if (text === undefined) return {};
  const body = JSON.parse(text);
  for (const { place, bytes: content } of documents) body.entry[place].resource.data = content;
  return { body };
}

function unavailable(): FhirResponse {
  const faults = [fault('fhir-timeout', { detail: 'the thread of the store ended' })];
  return {
    status: httpStatus(faults),
    headers: { 'content-type': 'application/fhir+json' },
    body: operationOutcome(faults),
  };
}
