/**
 * The engine without a log: reno.yaml's work on pre-encoded events, beside a hand-written plain
 * loop that does the same work (the floor). Both in this process, in turn; the better of the rounds
 * counts.
 */

import { readFileSync } from 'node:fs';
import { compile } from '../compiler/compile.ts';
import type { Plan, SubTopologyPlan } from '../compiler/plan.ts';
import { sinks } from '../connectors/index.ts';
import { BytePool } from '../core/byte-pool.ts';
import { HandClock } from '../core/clock.ts';
import type { CommitUnit } from '../core/log.ts';
import { readBatch, wholeBatch } from '../core/record-batch.ts';
import { steps } from '../processors/index.ts';
import { StreamsTask } from '../runtime/streams/streams-task.ts';
import { Unit } from '../runtime/unit.ts';
import { readSchemaFolder } from '../schemas/folder.ts';
import { median, printFigure } from './figure.ts';
import { type PlainCommit, PlainLoop } from './plain-loop.ts';
import { type Load, makeLoad, START_MS } from './reno-load.ts';
import { WaitingPort } from './waiting-port.ts';

const COMMIT_EVERY_BATCHES = 10;
const COMMITS = { minMs: 0, maxMs: 0, recordsMax: Number.POSITIVE_INFINITY };
/** Far enough that every burst has been let go. */
const END_MS = 600_000;

export interface EngineFigures {
  readonly events: number;
  readonly out: number;
  readonly rows: number;
  readonly cpuSeconds: number;
  readonly eventsPerSecond: number;
  readonly outPerSecond: number;
}

/** Gives what it is handed, counts what a commit would write, and writes nothing. */
class CountingPort extends WaitingPort {
  out = 0;
  rows = 0;
  bytes = 0;

  commit({ parts }: CommitUnit): undefined {
    for (const { batches } of parts) {
      for (const batch of batches) {
        if (batch.topic.endsWith('-changelog')) this.rows += batch.count;
        else this.out += batch.count;
        this.bytes += batch.bytes.length;
      }
    }
    return undefined;
  }

  /** What the plain loop has written. */
  count({ batches, rows }: PlainCommit): void {
    for (const batch of batches) {
      this.out += batch.count;
      this.bytes += batch.bytes.length;
    }
    this.rows += rows.length;
  }
}

export function renoPlan(): { plan: Plan; topics: { topic: string; schema: string }[] } {
  const root = new URL('..', import.meta.url).pathname;
  const schemas = readSchemaFolder(`${root}schemas`);
  const file = 'topology/reno.yaml';
  const text = readFileSync(`${root}${file}`, 'utf8');
  const { plan } = compile(text, { file, catalog: { steps, sinks }, schemas, env: {} });
  if (plan === undefined) throw new Error('reno.yaml does not compile');
  const topics = plan.topics.flatMap(({ name, schema }) =>
    schema === undefined ? [] : [{ topic: name, schema }],
  );
  return { plan, topics };
}

export async function renoLoad(events: number, members: number): Promise<Load> {
  const root = new URL('..', import.meta.url).pathname;
  const { topics } = renoPlan();
  return makeLoad(readSchemaFolder(`${root}schemas`), topics, { events, members, seed: 1 });
}

export function runEngine(load: Load, plan: Plan): EngineFigures {
  const clock = new HandClock(START_MS);
  const subs = plan.subTopologies.filter(({ role }) => role.startsWith('streams/'));
  const pool = new BytePool();
  const tasks = subs.map((sub) => openTask(plan, sub, clock, load, pool));
  const started = process.cpuUsage();
  let batches = 0;
  for (const { topic, bytes, baseOffset, clockMs } of load.batches) {
    clock.moveTo(clockMs);
    for (const { sub, port } of tasks) {
      if (!sub.streams.some((stream) => stream.source.topic === topic)) continue;
      port.give(wholeBatch(topic, 0, bytes, baseOffset));
    }
    for (const { task } of tasks) while (task.runSlice());
    if (++batches % COMMIT_EVERY_BATCHES === 0) for (const { unit } of tasks) unit.commit();
  }
  clock.moveTo(clock.now() + END_MS);
  for (const { task, unit } of tasks) {
    while (task.runSlice());
    unit.commit();
  }
  return figures(
    load,
    process.cpuUsage(started),
    tasks.map(({ port }) => port),
  );
}

export function runPlainLoop(load: Load): EngineFigures {
  const port = new CountingPort();
  const loop = new PlainLoop(
    load.schemas,
    readBatch(wholeBatch('tables.devices', 0, load.devices, 0)),
  );
  const started = process.cpuUsage();
  let batches = 0;
  for (const batch of load.batches) {
    loop.run(batch);
    if (++batches % COMMIT_EVERY_BATCHES === 0) port.count(loop.commit());
  }
  loop.advance(load.batches.at(-1)!.clockMs + END_MS);
  port.count(loop.commit());
  return figures(load, process.cpuUsage(started), [port]);
}

function openTask(plan: Plan, sub: SubTopologyPlan, clock: HandClock, load: Load, pool: BytePool) {
  const port = new CountingPort();
  const unit = new Unit(port, COMMITS, clock, () => {});
  const { schemas } = load;
  const task = new StreamsTask(plan, sub, port, unit, {
    clock,
    schemas,
    partitions: 1,
    pool,
    wake: () => {},
  });
  unit.add(task);
  task.table('tables.devices', wholeBatch('tables.devices', 0, load.devices, 0));
  task.ready();
  return { sub, task, port, unit };
}

function figures(load: Load, cpu: NodeJS.CpuUsage, ports: readonly CountingPort[]): EngineFigures {
  const failed = ports.find((port) => port.failure !== null);
  if (failed !== undefined) throw failed.failure!;
  const cpuSeconds = (cpu.user + cpu.system) / 1e6;
  const out = ports.reduce((sum, port) => sum + port.out, 0);
  return {
    events: load.events,
    out,
    rows: ports.reduce((sum, port) => sum + port.rows, 0),
    cpuSeconds,
    eventsPerSecond: Math.round(load.events / cpuSeconds),
    outPerSecond: Math.round(out / cpuSeconds),
  };
}

const EVENTS = 1_000_000;
const MEMBERS = 50_000;
const ROUNDS = 3;

if (import.meta.main) {
  const load = await renoLoad(EVENTS, MEMBERS);
  const { plan } = renoPlan();
  const floors: EngineFigures[] = [];
  const engines: EngineFigures[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    floors.push(runPlainLoop(load));
    engines.push(runEngine(load, plan));
  }
  const floor = median(floors.map(({ eventsPerSecond }) => eventsPerSecond));
  const value = median(engines.map(({ eventsPerSecond }) => eventsPerSecond));
  if (floors[0]!.out !== engines[0]!.out) throw new Error('the floor does other work');
  printFigure({
    bench: 'engine',
    value,
    unit: 'events/CPU-s',
    floor,
    beside: 'a plain loop, same work and output',
    aim: 'at least half of the plain loop',
    met: value >= floor / 2,
    more: { floors, engines },
  });
}
