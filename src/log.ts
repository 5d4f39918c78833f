import { channel } from 'node:diagnostics_channel';
import { type Logger, pino } from 'pino';
import { type Fault, PasserelleError, paramsIn } from './errors.ts';

/** What to log, and where to. */
export interface LogOptions {
  level: string;
  /** Where lines go; standard output when not given, at once: a line must not be lost when the program ends the moment after. */
  stream?: { write(line: string): void };
}

/** Whoever listens here when a log is made gets a copy of each of its lines: the tests do, to see that none names anybody. */
const copies = channel('passerelle:log');

function copied(out: NonNullable<LogOptions['stream']>): NonNullable<LogOptions['stream']> {
  return {
    write(line) {
      copies.publish(line);
      out.write(line);
    },
  };
}

/**
 * The log: pino JSON, one line an event. Ids, codes, counts and addresses go through; everything else is left out, because
 * what is unknown may be about a patient. Texts pass only under the names in `texts`, objects only as faults or errors.
 * At `debug` and below, errors also show their message and stack, and faults their private detail.
 */
export function createLog({ level, stream }: LogOptions): Logger {
  const verbose = level === 'debug' || level === 'trace';
  const options = {
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    serializers: { err: (value: unknown) => value },
    formatters: {
      level: (label: string) => ({ level: label }),
      log: (fields: Record<string, unknown>) => safe(fields, verbose),
    },
    hooks: { logMethod: withoutInterpolation },
  };
  const out = (stream as pino.DestinationStream) ?? pino.destination({ dest: 1, sync: true });
  const log = pino(options, copies.hasSubscribers ? copied(out) : out);
  // pino formats what a line says, not what a child says on every line.
  const { child } = log;
  log.child = function (this: Logger, fields: object, more?: object) {
    return child.call(this, safe(fields as Record<string, unknown>, verbose), more);
  } as typeof child;
  return log;
}

/** Standard output with lines for people instead of JSON. */
export async function readableOutput(): Promise<NonNullable<LogOptions['stream']>> {
  const { default: pretty } = await import('pino-pretty');
  return pretty({ destination: 1, sync: true, translateTime: 'SYS:HH:MM:ss.l' });
}

/** Names of fields whose text is an id, a code, a count or an address. `name` is not among them: it may be a person's. */
const texts = new Set(
  `id ids message messageId messages delivery deliveryId instance code codes errorCode door doors destination destinations
   state states outcome kind format route vendor sender client clientId method path type types interaction scope kid
   address addresses listen url host base server driver journal fhir level reason errno syscall version versions map maps
   rule table system profile profiles place severity file folder data setting problem reference references action event
   cron schedule signal timezone status phase contentType encoding since until at receivedAt nextAttemptAt dueAt
   traceparent stage step worker`.split(/\s+/),
);

const longest = 300;

function safe(fields: Record<string, unknown>, verbose: boolean): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).map(([key, value]) => [key, field(key, value, verbose)]));
}

function field(key: string, value: unknown, verbose: boolean): unknown {
  if (value === null || ['number', 'boolean', 'undefined'].includes(typeof value)) return value;
  if (value instanceof Error) return errorFields(value, verbose);
  if (value instanceof Date) return texts.has(key) ? value.toISOString() : '[left out]';
  if (typeof value === 'string') return texts.has(key) ? scrub(value) : '[left out]';
  if (typeof value === 'bigint') return Number(value);
  if (Array.isArray(value)) return list(key, value, verbose);
  if (isFault(value)) return faultFields(value, verbose);
  return typeof value === 'object' ? counts(value as object) : '[left out]';
}

function list(key: string, values: unknown[], verbose: boolean): unknown {
  if (values.every(isFault)) return values.slice(0, 20).map((one) => faultFields(one, verbose));
  const plain = values.every((one) => typeof one === 'string' || typeof one === 'number');
  if (plain && texts.has(key)) return values.slice(0, 50).map((one) => (typeof one === 'string' ? scrub(one) : one));
  return `[${values.length} left out]`;
}

/** Of an object only its numbers are kept: counters, durations, sizes. */
function counts(value: object): Record<string, unknown> | string {
  const numbers = Object.entries(value).filter(([, one]) => typeof one === 'number' || typeof one === 'boolean');
  return numbers.length > 0 ? Object.fromEntries(numbers.slice(0, 50)) : '[left out]';
}

/** A text without query, credentials or anything long enough to be a social security number. */
function scrub(text: string): string {
  return text
    .slice(0, longest)
    .replace(/\?[^\s]*/g, '?…')
    .replace(/\/\/[^/@\s]*@/g, '//')
    .replace(/\d{13,}/g, '[digits]');
}

function isFault(value: unknown): value is Fault {
  const one = value as Partial<Fault> | null;
  return typeof one === 'object' && one !== null && typeof one.code === 'string' && typeof one.severity === 'string';
}

function faultFields(one: Fault, verbose: boolean) {
  const { code, severity, place, rule, detail } = one;
  return { code, severity, place, rule, params: paramsIn(one, 'en'), ...(verbose ? { detail } : {}) };
}

function errorFields(error: Error, verbose: boolean): Record<string, unknown> {
  const { code, syscall } = error as NodeJS.ErrnoException;
  const faults = error instanceof PasserelleError ? error.faults.map((one) => faultFields(one, verbose)) : undefined;
  return {
    type: error.name,
    ...(typeof code === 'string' ? { code: scrub(code) } : {}),
    ...(syscall ? { syscall: scrub(syscall) } : {}),
    ...(faults ? { faults } : {}),
    ...(error.cause instanceof Error ? { cause: errorFields(error.cause, verbose) } : {}),
    ...(verbose ? { message: error.message, stack: error.stack } : {}),
  };
}

/** An error given alone would put its message into `msg`, and `%s` whatever it is given: neither is let through. */
function withoutInterpolation(
  this: Logger,
  args: Parameters<Logger['info']>,
  method: (object: object, text?: string) => void,
): void {
  const [first, second] = args as [unknown, unknown];
  const text = typeof first === 'string' ? first : typeof second === 'string' ? second : undefined;
  const object = first instanceof Error ? { err: first } : typeof first === 'object' && first !== null ? first : {};
  const fallback = 'err' in object && object.err instanceof Error ? object.err.name : undefined;
  method.call(this, object, text === undefined ? fallback : scrub(text));
}
