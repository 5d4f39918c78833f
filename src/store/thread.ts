import { getCompileCacheDir } from 'node:module';
import { Worker } from 'node:worker_threads';
import type { FhirEndpoint, FhirRequest, FhirResponse } from '../adapter.ts';
import { fault, httpStatus, operationOutcome } from '../errors.ts';
import type { StoreOptions } from './index.ts';
import { type Lent, lend } from './lend.ts';

/** A request on its way to the thread. A body of JSON travels as text: writing and reading that is quicker than a clone. */
export interface Asked {
  id: number;
  request: Omit<FhirRequest, 'body'>;
  text?: string;
  bytes?: Uint8Array;
  lent?: Lent;
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
  return { endpoint: { send: (request) => thread.send(request) }, close: () => thread.close() };
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
    this.#leaving.push({ id, request, ...packed(body), ...(lent ? { lent } : {}) });
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
      this.#worker!.postMessage(asked);
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
      this.#answer(id, { ...response, ...unpacked(text, bytes) });
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

/** A body as it travels. */
export function packed(body: unknown): { text?: string; bytes?: Uint8Array } {
  if (body instanceof Uint8Array) return { bytes: body };
  return body === undefined ? {} : { text: JSON.stringify(body) };
}

/** A body that has arrived. */
export function unpacked(text: string | undefined, bytes: Uint8Array | undefined): { body?: unknown } {
  if (bytes) return { body: bytes };
  return text === undefined ? {} : { body: JSON.parse(text) };
}

function unavailable(): FhirResponse {
  const faults = [fault('fhir-timeout', { detail: 'the thread of the store ended' })];
  return {
    status: httpStatus(faults),
    headers: { 'content-type': 'application/fhir+json' },
    body: operationOutcome(faults),
  };
}
