/**
 * The simulation of the words beside RENO's own: small worlds, each a topology of a few words with
 * a model of its own, which is plain TypeScript and no part of the engine. What happens is drawn
 * from a seed before anything runs.
 */
import { partitionOfText } from '../../../core/partition.ts';
import type { AvroRecord } from '../../../schemas/folder.ts';
import { type Driven, START_MS } from '../../kit/drive.ts';
import type { Chance } from '../chance.ts';

export type Plain = { readonly [field: string]: unknown };

/** A record that comes; its time is `at` ms after the start. Null: a tombstone. */
export interface Feed {
  readonly kind: 'feed';
  readonly topic: string;
  readonly key: string;
  readonly value: Plain | null;
  readonly at: number;
}

export type Happening =
  | Feed
  | { readonly kind: 'advance'; readonly ms: number }
  | { readonly kind: 'commit' }
  /** Closed cleanly, and opened again. */
  | { readonly kind: 'restart' }
  /** Some tasks go to another worker. */
  | { readonly kind: 'rebalance' }
  /** Of one worker (its number, modulo how many there are), or of all. */
  | { readonly kind: 'crash'; readonly worker: number | 'all' };

export interface Way {
  readonly partitions: number;
  readonly workers: number;
  readonly commitEvery: number;
}

/** What must exist in the end, as far as the happenings say. */
export interface Model {
  /** `lost`: the partitions whose tasks were dropped, of a crash. */
  act(happening: Happening, lost: readonly number[]): void;
  /** One line for each record that must have been written, in any order. */
  readonly lines: readonly string[];
  /** By reason; a reason that is not named here is not judged. */
  readonly dropped?: { readonly [reason: string]: number };
  readonly held?: number;
}

/** What was written, by the driver or on a real log. */
export type Outputs = Pick<Driven, 'of' | 'written'>;

export interface World {
  readonly name: string;
  readonly topology: string;
  readonly schemas: readonly AvroRecord[];
  /** Feeds and moves of the clock; in the end nothing waits any more. */
  draw(chance: Chance, partitions: number, feeds?: number): Happening[];
  model(way: Way): Model;
  /** What was written, in the form of the model's lines. */
  told(outputs: Outputs): string[];
  /** What must hold besides. */
  judge?(outputs: Outputs, happenings: readonly Happening[]): string[];
  /**
   * Its outputs depend on the task's clock: a crash, after which records are taken again at another
   * time, changes them. The model knows how.
   */
  readonly hasClock?: boolean;
  /** Stores whose rows in the end must be the same in whatever way it was run. */
  readonly stores?: readonly string[];
}

export interface Scenario {
  readonly seed: number;
  readonly way: Way;
  readonly happenings: readonly Happening[];
}

export const record = (
  name: string,
  fields: { readonly [field: string]: unknown },
): AvroRecord => ({
  type: 'record',
  name,
  fields: Object.entries(fields).map(([field, type]) => ({ name: field, type }) as never),
});

/** A key of each partition, of records that no model knows: they only move stream time. */
export function closersOf(partitions: number): readonly string[] {
  const closers: string[] = [];
  for (let n = 0; closers.filter((one) => one !== undefined).length < partitions; n++) {
    closers[partitionOfText(`~${n}`, partitions)] ??= `~${n}`;
  }
  return closers;
}

export const isCloser = (key: string | null) => key?.startsWith('~') === true;

/** How often a line comes. */
export function counted(lines: readonly string[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const line of lines) counts.set(line, (counts.get(line) ?? 0) + 1);
  return counts;
}

/** Fields in the order of their names, so that two values of the same are the same text. */
export function textOf(value: unknown): string {
  if (value === null || typeof value !== 'object') return String(value);
  const fields = Object.entries(value as Plain).sort(([a], [b]) => (a < b ? -1 : 1));
  return fields.map(([name, of]) => `${name}=${Array.isArray(of) ? of.join('|') : of}`).join(' ');
}

/** A record of a topic as a line: its time is `at` ms after the start. */
export const lineOf = (topic: string, key: string | null, value: unknown, at: number): string =>
  `${topic} ${key} ${textOf(value)} @${at}`;

/** What stands in these topics, but for what only moves time. */
export function writtenTo(driven: Pick<Outputs, 'of'>, topics: readonly string[]): string[] {
  return topics.flatMap((topic) =>
    driven
      .of(topic)
      .filter(({ key }) => !isCloser(key))
      .map(({ key, value, timestamp }) => lineOf(topic, key, value, timestamp - START_MS)),
  );
}
