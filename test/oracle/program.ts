/**
 * What the oracle is asked and what it has answered: programs of one kind, each with its records
 * and with what Kafka Streams made of them. All times are milliseconds after `base`.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** `[topic, key, time, value]`; a value stands in a list, null is a record without one. */
export type Fed = readonly [
  topic: string,
  key: string | null,
  atMs: number,
  value: readonly unknown[] | null,
];

export interface Program {
  /** What the Java side knows it by. */
  readonly kind: string;
  /** Epoch milliseconds. */
  readonly base: number;
  /** Records of a later time are not judged. */
  readonly until: number;
  readonly records: readonly Fed[];
}

/** `[n, time, answer]`: for which record, the time of what was written, and what it says. */
export type Answer = readonly [n: number, atMs: number, answer: readonly unknown[]];

export interface Recorded<P extends Program = Program> {
  readonly program: P;
  readonly answers: readonly Answer[];
}

const fileOf = (kind: string) => join(import.meta.dirname, 'recorded', `${kind}.jsonl`);

/** The seed first, then a program and its answers in turn, a line each. */
export function readRecorded<P extends Program>(
  kind: string,
): {
  readonly seed: number;
  readonly all: readonly Recorded<P>[];
} {
  const [first, ...lines] = readFileSync(fileOf(kind), 'utf8').trimEnd().split('\n');
  const all: Recorded<P>[] = [];
  for (let n = 0; n < lines.length; n += 2) {
    all.push({ program: JSON.parse(lines[n]!), answers: JSON.parse(lines[n + 1]!) });
  }
  return { seed: JSON.parse(first!).seed, all };
}

export function writeRecorded(kind: string, seed: number, all: readonly Recorded[]): void {
  const lines = all.flatMap(({ program, answers }) => [program, answers]);
  const text = [{ seed }, ...lines].map((line) => `${JSON.stringify(line)}\n`).join('');
  writeFileSync(fileOf(kind), text);
}
