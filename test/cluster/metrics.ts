/** The figures of one process, read from its Prometheus text. */
interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export class Metrics {
  readonly #samples: readonly Sample[];

  constructor(text: string) {
    this.#samples = text.split('\n').flatMap((line) => sampleOf(line) ?? []);
  }

  /** The sum over all samples of that name with these labels. */
  sum(name: string, labels: Readonly<Record<string, string>> = {}): number {
    const wanted = Object.entries(labels);
    return this.#samples
      .filter((one) => one.name === name && wanted.every(([key, to]) => one.labels[key] === to))
      .reduce((sum, { value }) => sum + value, 0);
  }

  /** By a label's values: `by('carillon_records_total', 'reason', { verdict: 'dropped' })`. */
  by(name: string, label: string, labels: Readonly<Record<string, string>> = {}): Counts {
    const counts: Counts = {};
    const wanted = Object.entries(labels);
    for (const one of this.#samples) {
      if (one.name !== name || !wanted.every(([key, to]) => one.labels[key] === to)) continue;
      const key = one.labels[label] ?? '';
      counts[key] = (counts[key] ?? 0) + one.value;
    }
    return counts;
  }

  /** Records that the groups of this process have not read yet. */
  lag(group = ''): number {
    return this.#samples
      .filter((one) => one.name === 'carillon_lag_records' && one.labels.group?.startsWith(group))
      .reduce((sum, { value }) => sum + value, 0);
  }
}

export type Counts = Record<string, number>;

export function addCounts(all: readonly Counts[]): Counts {
  const sums: Counts = {};
  for (const counts of all) {
    for (const [key, n] of Object.entries(counts)) if (n > 0) sums[key] = (sums[key] ?? 0) + n;
  }
  return sums;
}

function sampleOf(line: string): Sample | undefined {
  const parts = /^([a-z_]+)(?:\{(.*)\})? (\S+)$/.exec(line);
  if (parts === null) return undefined;
  const labels: Record<string, string> = {};
  for (const [, key, value] of (parts[2] ?? '').matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)) {
    labels[key!] = value!;
  }
  return { name: parts[1]!, labels, value: Number(parts[3]) };
}
