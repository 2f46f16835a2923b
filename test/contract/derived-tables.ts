/**
 * Tables that are made of two others, on any log: rows that are written at random, by processes
 * that come, go and share the work. In the end each derived table has just the rows that it must
 * have, and no pair of rows was told twice.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BatchBuilder } from '../../core/batch-builder.ts';
import { systemClock } from '../../core/clock.ts';
import type { EditableLog } from '../../core/log.ts';
import { partitionOfText } from '../../core/partition.ts';
import { conservationGap } from '../../core/verdict.ts';
import { Engine, topicSpecs } from '../../runtime/engine.ts';
import { inputsOf } from '../../runtime/group-specs.ts';
import { AvroSchemas } from '../../schemas/avro-schemas.ts';
import type { AvroRecord } from '../../schemas/folder.ts';
import { MemoryRegistry } from '../../schemas/memory-registry.ts';
import { planOf, withSchemas } from '../kit/drive.ts';
import { Chance } from '../sim/chance.ts';

const record = (name: string, fields: { readonly [field: string]: unknown }): AvroRecord => ({
  type: 'record',
  name,
  fields: Object.entries(fields).map(([field, type]) => ({ name: field, type }) as never),
});
const LEFT = record('Left', { id: 'string', name: 'string', of: ['null', 'string'] });
const RIGHT = record('Right', { rightId: 'string', name: 'string' });
const made = (name: string, left: unknown, right: unknown) =>
  record(name, { id: 'string', left, right });
const SCHEMAS = [
  LEFT,
  RIGHT,
  made('Both', LEFT, ['null', RIGHT]),
  made('Either', ['null', LEFT], ['null', RIGHT]),
];

const PARTITIONS = 2;
const WAIT_MS = 60_000;
const LOOK_MS = 5;
const KEYS = ['a', 'ab', 'b', 'c', 'd', 'e'];
const COMMITS = { minMs: 0, maxMs: 50, recordsMax: 7 };

/** Each derived table by its name: how it is made, and whether by a foreign key. */
const MADE = {
  inner: ['type: inner', 'Both'],
  left: ['type: left', 'Both'],
  outer: ['type: outer', 'Either'],
  'foreign-inner': ['by: of, type: inner', 'Both'],
  'foreign-left': ['by: of, type: left', 'Both'],
} as const;
type Name = keyof typeof MADE;
const NAMES = Object.keys(MADE) as Name[];

function topology(prefix: string): string {
  const derived = NAMES.map((name) => {
    const [how, schema] = MADE[name];
    return `  ${name}:
    id: ${name}
    from: { table: lefts, join: rights, ${how}, own_as: left, as: right }
    topic: ${prefix}.${name}
    schema: ${schema}
    key: id
`;
  });
  return `topology: ${prefix}
tables:
  lefts: { topic: ${prefix}.lefts, schema: Left, key: id }
  rights: { topic: ${prefix}.rights, schema: Right, key: rightId }
${derived.join('')}streams:
  none: { id: no, from: { topic: ${prefix}.none, schema: Left }, to: { topic: ${prefix}.nowhere, schema: Left } }
`;
}

interface LeftRow {
  readonly name: string;
  readonly of: string | null;
}

/** What each table must hold, as `left+right` by key. */
class Model {
  readonly lefts = new Map<string, LeftRow>();
  readonly rights = new Map<string, string>();

  rows(table: Name): Map<string, string> {
    const rows = new Map<string, string>();
    for (const key of KEYS) {
      const left = this.lefts.get(key);
      const isForeign = table.startsWith('foreign');
      const right = this.rights.get((isForeign ? left?.of : key) ?? '');
      const isThere =
        table === 'outer'
          ? left !== undefined || right !== undefined
          : left !== undefined && (right !== undefined || table.endsWith('left'));
      if (isThere) rows.set(key, `${left?.name ?? null}+${right ?? null}`);
    }
    return rows;
  }
}

/** One log, and the processes that run on it. */
class Run {
  readonly model = new Model();
  readonly #log: EditableLog;
  readonly #plan;
  readonly #prefix: string;
  readonly #schemas: AvroSchemas;
  readonly #engines: { readonly engine: Engine; readonly log: EditableLog }[] = [];
  readonly #open: () => Promise<EditableLog>;
  readonly #chance: Chance;
  #named = 0;

  private constructor(
    log: EditableLog,
    open: () => Promise<EditableLog>,
    prefix: string,
    seed: number,
  ) {
    this.#log = log;
    this.#open = open;
    this.#prefix = prefix;
    const folder = withSchemas(SCHEMAS);
    this.#plan = planOf(topology(prefix), folder);
    this.#schemas = new AvroSchemas(folder, new MemoryRegistry(), systemClock);
    this.#chance = new Chance(seed);
  }

  static async open(open: () => Promise<EditableLog>, prefix: string, seed: number): Promise<Run> {
    const run = new Run(await open(), open, prefix, seed);
    await run.#log.applyTopics(topicSpecs(run.#plan, PARTITIONS));
    await run.#schemas.open(
      run.#plan.topics.flatMap(({ name, schema }) =>
        schema === undefined ? [] : [{ topic: name, schema }],
      ),
    );
    return run;
  }

  async start(): Promise<void> {
    const log = await this.#open();
    const engine = new Engine({
      plan: this.#plan,
      log,
      schemas: this.#schemas,
      clock: systemClock,
      partitions: PARTITIONS,
      streamsCommit: COMMITS,
      sinksCommit: COMMITS,
      random: () => 0,
      onFailure: () => {},
    });
    this.#engines.push({ engine, log });
    for (const sub of this.#plan.subTopologies) await engine.startStreams(sub);
  }

  /** The one that was started first ends. */
  async stop(): Promise<void> {
    const { engine, log } = this.#engines.shift()!;
    await engine.close();
    for (const { stream, step, counts } of engine.flow()) {
      assert.equal(conservationGap(counts), 0, `${stream}/${step}`);
    }
    if (log !== this.#log) await log.close();
  }

  /** Rows of both sides, written, renamed and deleted. */
  async feed(count: number): Promise<void> {
    const chance = this.#chance;
    const producer = await this.#log.producer();
    for (let n = 0; n < count; n++) {
      const key = chance.pick(KEYS);
      const isLeft = chance.is(0.6);
      const isGone = chance.is(0.2);
      const name = `${isLeft ? 'l' : 'r'}${this.#named++}`;
      const of = chance.is(0.1) ? null : chance.pick(KEYS);
      const { lefts, rights } = this.model;
      if (isLeft && isGone) lefts.delete(key);
      else if (isLeft) lefts.set(key, { name, of });
      else if (isGone) rights.delete(key);
      else rights.set(key, name);
      const value = isLeft ? { id: key, name, of } : { rightId: key, name };
      const bytes = isGone
        ? null
        : this.#schemas.encoder(isLeft ? 'Left' : 'Right').toBuffer(value);
      const topic = `${this.#prefix}.${isLeft ? 'lefts' : 'rights'}`;
      const builder = new BatchBuilder(topic, partitionOfText(key, PARTITIONS));
      builder.append(systemClock.now(), key, bytes);
      await producer.send([builder.finish()]);
    }
    await producer.close();
  }

  async settled(): Promise<void> {
    const startedAt = performance.now();
    // Seen twice: what the one half has written may be what the other one reads next.
    for (let seen = 0; seen < 2; ) {
      const behind = await this.#behind();
      seen = behind === '' ? seen + 1 : 0;
      assert.ok(performance.now() - startedAt < WAIT_MS, `it does not settle: ${behind}`);
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
  }

  async #behind(): Promise<string> {
    const { positions } = this.#log;
    for (const sub of this.#plan.subTopologies) {
      for (const topic of inputsOf(sub)) {
        const bounds = (await positions.bounds(topic)) ?? [];
        const committed = await positions.committed(sub.group, [topic]);
        for (const [p, { start, end }] of bounds.entries()) {
          const at = committed.find(({ partition }) => partition === p)?.offset ?? -1;
          if (end > Math.max(start, at)) return `${sub.group} ${topic}/${p} ${at} of ${end}`;
        }
      }
    }
    return '';
  }

  /** The rows of each table are those of the model, and no pair was told twice. */
  async check(): Promise<void> {
    for (const table of NAMES) {
      const rows = new Map<string, string>();
      const pairs: string[] = [];
      const topic = `${this.#prefix}.${table}`;
      for await (const records of this.#log.read(topic, { from: 'start', follow: false })) {
        for (const { key, valueBytes } of records) {
          if (valueBytes === null) {
            rows.delete(key!);
            continue;
          }
          const value = this.#schemas.decodeByWriter(valueBytes, 0, valueBytes.length);
          const { left, right } = value as { readonly [side: string]: { name: string } | null };
          const pair = `${left?.name ?? null}+${right?.name ?? null}`;
          rows.set(key!, pair);
          if (left !== null && right !== null) pairs.push(pair);
        }
      }
      assert.deepEqual([...rows].sort(), [...this.model.rows(table)].sort(), table);
      assert.equal(new Set(pairs).size, pairs.length, `${table}: a pair was told twice`);
    }
  }

  async close(): Promise<void> {
    while (this.#engines.length > 0) await this.stop();
    await this.#log.close();
  }
}

/**
 * `open`: another one on the same log, where several processes can have it; else the one that is
 * there. `prefix`: of topics and groups.
 */
export function derivedTableCases(
  name: string,
  opening: () => () => Promise<EditableLog>,
  {
    prefix = () => 't',
    together = true,
    seed = 7,
  }: {
    readonly prefix?: () => string;
    readonly together?: boolean;
    readonly seed?: number;
  } = {},
): void {
  const cases = async (body: (run: Run) => Promise<void>) => {
    const run = await Run.open(opening(), prefix(), seed);
    try {
      await body(run);
      await run.settled();
      await run.check();
    } finally {
      await run.close();
    }
  };

  test(`${name}: what lies there before, and what comes then`, () =>
    cases(async (run) => {
      await run.feed(60);
      await run.start();
      await run.feed(60);
      await run.settled();
      await run.check();
      await run.feed(60);
    }));

  test(`${name}: three processes, one after another`, () =>
    cases(async (run) => {
      for (let n = 0; n < 3; n++) {
        await run.start();
        await run.feed(50);
        // In the middle of what is on its way.
        await run.stop();
        await run.feed(20);
      }
      await run.start();
    }));

  if (!together) return;
  test(`${name}: processes that come and go while others run`, () =>
    cases(async (run) => {
      await run.start();
      await run.feed(50);
      await run.start();
      await run.feed(50);
      await run.stop();
      await run.feed(50);
    }));
}
