/** Settings every benchmark understands; each may have more of its own. */
export interface BenchOptions {
  /** Smaller data and shorter runs, for continuous integration. */
  quick?: boolean;
  /** Measure against a real HAPI on PostgreSQL instead of the embedded server, where that makes sense. */
  hapi?: boolean;
  /** Folder for the benchmark's own files; a fresh temporary one by default. */
  folder?: string;
  /** Called with a sentence for people about what is being done; nothing else is printed by a benchmark. */
  progress?: (what: string) => void;
}

/**
 * One figure. `baseline` is what the same machine did in the same run without the gateway's own work (a bare fsync, a bare
 * listener), in the same unit; `ratio` is value / baseline. Both are absent where nothing fair can be compared.
 */
export interface BenchRow {
  name: string;
  value: number;
  /** `/s`, `ms`, `MB`, … */
  unit: string;
  baseline?: number;
  /** What the baseline is: `bare fsync`, `bare INSERT, group commit`. */
  baselineName?: string;
  ratio?: number;
}

/** What a benchmark of `bench/` answers: each exports `run(options: BenchOptions): Promise<BenchResult>`. */
export interface BenchResult {
  bench: string;
  rows: BenchRow[];
  /** What a reader must know to judge the figures: sizes, message, settings. */
  notes?: string[];
}

/** A row with its ratio worked out. */
export function row(name: string, value: number, unit: string, baseline?: number, baselineName?: string): BenchRow {
  if (baseline === undefined) return { name, value: tidy(value), unit };
  return { name, value: tidy(value), unit, baseline: tidy(baseline), baselineName, ratio: tidy(value / baseline) };
}

/** The value below which `share` (0 to 1) of the samples lie. The samples are sorted in place. */
export function percentile(samples: number[], share: number): number {
  if (samples.length === 0) return 0;
  samples.sort((a, b) => a - b);
  return samples[Math.min(samples.length - 1, Math.floor(samples.length * share))];
}

function tidy(value: number): number {
  return Math.abs(value) >= 100 ? Math.round(value) : Number(value.toPrecision(3));
}
