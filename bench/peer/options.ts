/** The command line of `npm run bench:engine`. */
import { parseArgs } from 'node:util';

export const GUARANTEES = ['exactly_once', 'at_least_once'] as const;
export const CONTENDERS = ['carillon', 'kafka-streams'] as const;

export type Guarantee = (typeof GUARANTEES)[number];
export type ContenderName = (typeof CONTENDERS)[number];

export interface Options {
  /** Measured; the warm-up comes before them. */
  readonly events: number;
  readonly warmUp: number;
  readonly members: number;
  readonly partitions: number;
  /** Of Carillon. */
  readonly processes: number;
  /** Of Kafka Streams. */
  readonly threads: number;
  readonly withoutCoalesce: boolean;
  /** Of Kafka Streams; Carillon's streams always run exactly once. */
  readonly guarantee: Guarantee;
  /** State of Kafka Streams in RocksDB in place of memory. */
  readonly rocksdb: boolean;
  /** More settings of Kafka Streams, `name=value`. */
  readonly streams: readonly string[];
  /** Also the engine without a log (bench/engine.ts). */
  readonly engine: boolean;
  readonly seed: number;
}

export const USAGE = `npm run bench:engine -- [options]
  --events N           events that are measured, 200000 by default
  --warm-up N          events before them, 50000 by default
  --members N          50000 by default
  --partitions N       of every topic, 12 by default
  --processes P        of Carillon, 1 by default
  --threads T          of Kafka Streams, 2 by default
  --without-coalesce   reno.yaml without its coalesce steps
  --guarantee G        of Kafka Streams: exactly_once (default) or at_least_once
  --rocksdb            state of Kafka Streams in RocksDB, not in memory
  --streams NAME=VALUE a setting of Kafka Streams; may come several times
  --no-engine          without the engine's own benchmark (bench/engine.ts)
  --seed N             1 by default
`;

/** Throws with what is wrong in words. */
export function readOptions(args: readonly string[]): Options {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean', default: false } as const;
  const { values } = parseArgs({
    args: [...args],
    options: {
      events: { ...text, default: '200000' },
      'warm-up': { ...text, default: '50000' },
      members: { ...text, default: '50000' },
      partitions: { ...text, default: '12' },
      processes: { ...text, default: '1' },
      threads: { ...text, default: '2' },
      'without-coalesce': flag,
      guarantee: { ...text, default: 'exactly_once' },
      rocksdb: flag,
      streams: { ...text, multiple: true, default: [] },
      'no-engine': flag,
      seed: { ...text, default: '1' },
    },
  });
  const count = (
    name: 'events' | 'warm-up' | 'members' | 'partitions' | 'processes' | 'threads' | 'seed',
  ) => {
    const n = Number(values[name]);
    if (Number.isSafeInteger(n) && n > 0) return n;
    throw new Error(`--${name} ${values[name]}: write a whole number above 0`);
  };
  const guarantee = GUARANTEES.find((one) => one === values.guarantee);
  if (guarantee === undefined) {
    throw new Error(`--guarantee ${values.guarantee}: write ${GUARANTEES.join(' or ')}`);
  }
  const unreadable = values.streams.find((one) => !/^[\w.]+=\S+$/.test(one));
  if (unreadable !== undefined) throw new Error(`--streams ${unreadable}: write NAME=VALUE`);
  return {
    events: count('events'),
    warmUp: count('warm-up'),
    members: count('members'),
    partitions: count('partitions'),
    processes: count('processes'),
    threads: count('threads'),
    withoutCoalesce: values['without-coalesce'],
    guarantee,
    rocksdb: values.rocksdb,
    streams: values.streams,
    engine: !values['no-engine'],
    seed: count('seed'),
  };
}
