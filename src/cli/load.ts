/** How one message was answered. */
export interface Answered {
  /** `AA`, `AE`, `AR`, an HTTP status, or `lost` when no answer came. */
  code: string;
  /** What a refusal said: error codes of the register. */
  errors: string[];
  /** The same for people: `code: sentence`, as the other side wrote it. */
  said: string[];
  milliseconds: number;
}

/** Figures of a run, times in milliseconds. */
export interface Figures {
  sent: number;
  codes: Record<string, number>;
  errors: Record<string, number>;
  seconds: number;
  perSecond: number;
  p50: number;
  p95: number;
  p99: number;
}

/** One connection: sends a message and waits for its answer. Throws when the connection is gone. */
export interface Connection {
  send(bytes: Uint8Array): Promise<Omit<Answered, 'milliseconds'>>;
  close(): void;
}

/** Sends all messages over the given connections, each taking the next as soon as its last one was answered. */
export async function runLoad(
  connections: Connection[],
  next: () => Uint8Array | undefined,
  told: (answered: Answered) => void,
): Promise<{ answers: Answered[]; seconds: number }> {
  const answers: Answered[] = [];
  const started = performance.now();
  const work = async (connection: Connection) => {
    for (let bytes = next(); bytes; bytes = next()) {
      const since = performance.now();
      const answer = { ...(await connection.send(bytes)), milliseconds: performance.now() - since };
      answers.push(answer);
      told(answer);
    }
  };
  await Promise.all(connections.map(work));
  return { answers, seconds: (performance.now() - started) / 1000 };
}

/**
 * Figures of a run: counts by acknowledgement code and error, rate, percentiles of the answer times in milliseconds.
 */
export function figuresOf(answers: Answered[], seconds: number): Figures {
  const times = answers.map((one) => one.milliseconds).sort((a, b) => a - b);
  const at = (share: number) => round(times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? 0);
  return {
    sent: answers.length,
    codes: tally(answers.map((one) => one.code)),
    errors: tally(answers.flatMap((one) => one.errors)),
    seconds: round(seconds),
    perSecond: round(answers.length / Math.max(seconds, 1e-6)),
    p50: at(0.5),
    p95: at(0.95),
    p99: at(0.99),
  };
}

/** How often each occurs, in the order of the names. */
export function tally(names: string[]): Record<string, number> {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return Object.fromEntries([...counts].sort());
}

function round(value: number): number {
  return Number(value.toFixed(value < 10 ? 3 : 1));
}
