/**
 * What `produce_events.py` writes, computed apart: the rules are in its docstring. And a call that
 * runs it.
 */
import { join } from 'node:path';
import { type PythonRun, startPython } from '../kit/python.ts';

/** Only what the rules look at; an .avsc file parsed as JSON. */
interface AvroKind {
  readonly type: unknown;
  readonly logicalType?: string;
  readonly symbols?: readonly string[];
  readonly fields?: readonly { readonly name: string; readonly type: unknown }[];
}

export interface ProducedRun {
  readonly count: number;
  readonly seed: number;
  readonly members: number;
  /** Epoch ms of event 0. */
  readonly baseTimeMs: number;
  readonly stepMs?: number;
  /** Field of the outer record → template with {n}, {i}, {seed}. */
  readonly set?: Readonly<Record<string, string>>;
  readonly poisonEvery?: number;
}

/** The index of the member of event `n`; its id and key are `m-<index>`. */
export function producedMember(run: ProducedRun, n: number): number {
  return (n + run.seed) % run.members;
}

export function producedEventId(run: ProducedRun, n: number): string {
  return `e-${run.seed}-${n}`;
}

/** True: event `n` is not Avro, but the bytes `poison-<n>`. */
export function isPoison(run: ProducedRun, n: number): boolean {
  const every = run.poisonEvery ?? 0;
  return every > 0 && n % every === every - 1;
}

/** Event `n` as a plain object, by the schema of its .avsc file. */
export function producedEvent(
  schema: unknown,
  run: ProducedRun,
  n: number,
): Record<string, unknown> {
  const atMs = run.baseTimeMs + n * (run.stepMs ?? 0);
  const event = valueOfKind(schema, '', n, atMs) as Record<string, unknown>;
  const member = producedMember(run, n);
  if ('eventId' in event) event.eventId = producedEventId(run, n);
  if ('memberId' in event) event.memberId = `m-${member}`;
  const values: Record<string, number> = { n, i: member, seed: run.seed };
  for (const [field, template] of Object.entries(run.set ?? {})) {
    event[field] = template.replace(/\{(n|i|seed)\}/g, (_, name: string) => String(values[name]));
  }
  return event;
}

function valueOfKind(kind: unknown, name: string, n: number, atMs: number): unknown {
  if (Array.isArray(kind)) {
    return kind.includes('null') ? null : valueOfKind(kind[0], name, n, atMs);
  }
  const { type, logicalType, symbols, fields } = (
    typeof kind === 'string' ? { type: kind } : kind
  ) as AvroKind;
  if (typeof type === 'object') return valueOfKind(type, name, n, atMs);
  if (logicalType === 'timestamp-millis') return atMs;
  if (type === 'enum') return symbols![n % symbols!.length];
  if (type === 'record') {
    return Object.fromEntries(fields!.map((f) => [f.name, valueOfKind(f.type, f.name, n, atMs)]));
  }
  const simple: Record<string, unknown> = {
    string: `${name}-${n % 10}`,
    int: n % 1_000,
    long: n % 1_000,
    float: (n % 1_000) / 2,
    double: (n % 1_000) / 2,
    boolean: n % 2 === 0,
    bytes: Buffer.alloc(0),
    array: [],
    map: {},
    null: null,
  };
  if (!((type as string) in simple)) throw new Error(`no rule for the Avro type ${String(type)}`);
  return simple[type as string];
}

export interface ProducerTarget {
  readonly brokers: readonly string[];
  /** Base URL of the registry. */
  readonly registry: string;
  readonly topic: string;
  /** The .avsc file. */
  readonly schemaFile: string;
  /** Default: librdkafka's own, which is CRC32. */
  readonly partitioner?: 'murmur2_random' | 'murmur2' | 'consistent' | 'consistent_random';
  /** Events a second; without it as fast as it goes. */
  readonly rate?: number;
}

/** What the script says at its end. */
export interface ProducedSummary {
  readonly events: number;
  readonly poison: number;
  readonly seconds: number;
  readonly partitions: Readonly<Record<string, number>>;
}

/** Starts the producer; `await (await startProducer(…)).output` for its end. */
export function startProducer(target: ProducerTarget, run: ProducedRun): Promise<PythonRun> {
  const args = [
    ...['--brokers', target.brokers.join(','), '--registry', target.registry],
    ...['--topic', target.topic, '--schema', target.schemaFile],
    ...['--count', String(run.count), '--seed', String(run.seed)],
    ...['--members', String(run.members), '--base-time', String(run.baseTimeMs)],
    ...['--step-ms', String(run.stepMs ?? 0), '--poison-every', String(run.poisonEvery ?? 0)],
    ...['--rate', String(target.rate ?? 0)],
    ...(target.partitioner === undefined ? [] : ['--partitioner', target.partitioner]),
    ...Object.entries(run.set ?? {}).flatMap(([field, text]) => ['--set', `${field}=${text}`]),
  ];
  return startPython(join(import.meta.dirname, 'produce_events.py'), args);
}

/** Runs the producer to its end. Throws with its words when a record was not acknowledged. */
export async function produceEvents(
  target: ProducerTarget,
  run: ProducedRun,
): Promise<ProducedSummary> {
  const output = await (await startProducer(target, run)).output;
  return JSON.parse(output.trim().split('\n').at(-1)!) as ProducedSummary;
}
