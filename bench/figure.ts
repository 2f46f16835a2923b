/**
 * A figure is a measurement beside its floor or peer from the same run. Each benchmark is a program
 * that prints its figures as JSON lines; `npm run bench` makes a table of them.
 */
export interface Figure {
  /** What was measured: `engine`, `embedded/latency`. */
  readonly bench: string;
  readonly value: number;
  /** `events/CPU-s`, `ms p99`. */
  readonly unit: string;
  /** The floor or peer, in the same unit. */
  readonly floor: number;
  /** What it is: `a plain loop doing the same work`. */
  readonly beside: string;
  /** What the issue asked for, in words; undefined: nothing. */
  readonly aim?: string;
  /** Whether the aim was met in this run. */
  readonly met?: boolean;
  /** More of the same run, for the JSON file. */
  readonly more?: { readonly [name: string]: unknown };
}

export function printFigure(figure: Figure): void {
  const ratio = figure.floor === 0 ? null : Number((figure.value / figure.floor).toFixed(3));
  process.stdout.write(`${JSON.stringify({ ...figure, ratio })}\n`);
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}

/** The value below which so great a part of the sorted ones lies; of none 0. */
export function quantile(sorted: readonly number[], part: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0;
}

/** CPU-µs of this process for a piece of work. */
export function cpuUs(work: () => void): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return user + system;
}
