import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { BatchBuilder } from '../../core/batch-builder.ts';
import { HandClock } from '../../core/clock.ts';
import type { EncodedBatch, LogBatch, Producer, TaskPort } from '../../core/log.ts';
import { readBatch } from '../../core/record-batch.ts';
import { openEmbeddedLog } from './log.ts';

const PARTITIONS = 3;
const HOUR = 3_600_000;
const STEPS = 250;

/** The same numbers at each run. */
function chance(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

/** What is to be there. */
interface Model {
  readonly events: string[][];
  readonly outputs: string[][];
  readonly state: Map<string, string>[];
  readonly offsets: number[];
}

function batch(
  topic: string,
  partition: number,
  rows: readonly (readonly [string, string | null])[],
) {
  const builder = new BatchBuilder(topic, partition);
  for (const [key, value] of rows) {
    builder.append(1, key, value === null ? null : Buffer.from(value));
  }
  return builder.finish();
}

class World {
  readonly dir = mkdtempSync(join(tmpdir(), 'carillon-model-'));
  readonly clock = new HandClock(1_000_000);
  readonly next: (below: number) => number;
  log = openEmbeddedLog({ dir: this.dir, clock: this.clock });
  model: Model = {
    events: [[], [], []],
    outputs: [[], [], []],
    state: [new Map(), new Map(), new Map()],
    offsets: [0, 0, 0],
  };
  committed = structuredClone(this.model);
  ports: TaskPort[] = [];
  /** What each task has taken and not committed: up to where. */
  taken: number[] = [];
  #number = 0;
  #producer: Producer | undefined;

  constructor(seed: number) {
    this.next = chance(seed);
  }

  async open(): Promise<void> {
    const topic = (name: string, cleanup: 'delete' | 'compact') => {
      return { name, partitions: PARTITIONS, cleanup };
    };
    await this.log.applyTopics([
      topic('in', 'delete'),
      topic('out', 'delete'),
      topic('c', 'compact'),
    ]);
    this.#producer = await this.log.producer();
    const restored = this.model.state.map(() => new Map<string, string>());
    const spec = {
      group: 'g',
      partitions: PARTITIONS,
      inputs: ['in'],
      tables: [],
      stores: [{ store: 's', changelog: 'c' }],
      transactional: true,
      topologyHash: '',
    };
    await this.log.openGroup(spec, {
      open: (port) => {
        this.ports[port.partition] = port;
        const rows = restored[port.partition]!;
        return {
          restore(_store, records) {
            for (const { key, valueBytes } of readBatch(records)) {
              if (valueBytes === null) rows.delete(key!);
              else rows.set(key!, valueBytes.toString());
            }
          },
          table() {},
          ready() {},
          wake() {},
          async close() {},
        };
      },
    });
    assert.deepEqual(
      restored.map((rows) => [...rows].sort()),
      this.model.state.map((rows) => [...rows].sort()),
    );
    this.taken = [...this.model.offsets];
  }

  send(): void {
    const partition = this.next(PARTITIONS);
    const rows = Array.from(
      { length: 1 + this.next(4) },
      () => ['k', `e${this.#number++}`] as const,
    );
    this.model.events[partition]!.push(...rows.map(([, value]) => value));
    this.#producer!.send([batch('in', partition, rows)]).catch(() => {});
  }

  take(): void {
    const partition = this.next(PARTITIONS);
    const taken = this.ports[partition]!.take('in');
    if (taken === undefined) {
      assert.equal(this.taken[partition], this.model.events[partition]!.length);
      return;
    }
    assert.equal(taken.from, this.taken[partition]);
    const values = readBatch(taken).map(({ valueBytes }) => valueBytes!.toString());
    const expected = this.model.events[partition]!.slice(taken.from, taken.nextOffset);
    assert.deepEqual(values, expected);
    this.taken[partition] = taken.nextOffset;
  }

  commit(): void {
    const parts = this.ports.map((_, partition) => {
      const batches: EncodedBatch[] = [];
      if (this.next(2) === 0) {
        const value = `o${this.#number++}`;
        this.model.outputs[partition]!.push(value);
        batches.push(batch('out', partition, [['k', value]]));
      }
      const rows = Array.from({ length: this.next(6) }, () => {
        const key = `key-${this.next(15)}`;
        const value = this.next(4) === 0 ? null : `s${this.#number++}`;
        if (value === null) this.model.state[partition]!.delete(key);
        else this.model.state[partition]!.set(key, value);
        return [key, value] as const;
      });
      if (rows.length > 0) batches.push(batch('c', partition, rows));
      const offset = this.taken[partition]!;
      this.model.offsets[partition] = offset;
      return { partition, batches, offsets: [{ topic: 'in', offset, metadata: `${offset}` }] };
    });
    this.ports[0]!.unit.commit({ parts });
  }

  async settle(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    await this.log.committed();
    this.committed = structuredClone(this.model);
  }

  /** Ends in one of three ways, and begins again from what is to be there. */
  async again(): Promise<void> {
    const how = this.next(3);
    if (how === 0) {
      await this.log.close();
      this.committed = structuredClone(this.model);
    } else {
      await new Promise((resolve) => setImmediate(resolve));
      if (how === 1) await this.settle();
      // What is in the open transaction is lost as a whole.
      else if (this.log.hasUncommitted) this.model = structuredClone(this.committed);
      else this.committed = structuredClone(this.model);
      this.log.abandon();
    }
    this.log = openEmbeddedLog({ dir: this.dir, clock: this.clock });
    await this.check();
    await this.open();
  }

  async check(): Promise<void> {
    for (const [topic, expected] of [
      ['in', this.committed.events],
      ['out', this.committed.outputs],
    ] as const) {
      const found: string[][] = expected.map(() => []);
      const read = this.log.readBatches(topic, { from: 'start', follow: false });
      for await (const records of read as AsyncIterable<LogBatch>) {
        const values = readBatch(records).map(({ valueBytes }) => valueBytes!.toString());
        found[records.partition]!.push(...values);
      }
      assert.deepEqual(found, expected);
    }
  }
}

for (const seed of [11, 12, 13, 14]) {
  test(`the log holds what a list of lists would, through crashes and upkeep (seed ${seed})`, async (t) => {
    const world = new World(seed);
    t.after(async () => {
      await world.log.close();
      rmSync(world.dir, { recursive: true });
    });
    await world.open();
    for (let step = 0; step < STEPS; step++) {
      const what = world.next(20);
      if (what < 6) world.send();
      else if (what < 12) world.take();
      else if (what < 15) world.commit();
      else if (what < 17) await world.settle();
      else if (what < 18) {
        // Old enough to be settled and compacted, and far from its retention.
        world.clock.moveTo(world.clock.now() + 2 * HOUR);
        await world.settle();
        world.log.sweep();
      } else if (what < 19) {
        await world.settle();
        await world.check();
      } else await world.again();
    }
    await world.settle();
    await world.check();
  });
}
