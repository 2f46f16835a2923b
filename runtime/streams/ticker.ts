/**
 * Makes the ticks of a clock, in the task that has their partition. A planned time is told by a
 * record in the clock's own topic, in one transaction with the position: the time to which all is
 * told, in the metadata of the offset to which the topic is read. Its own ticks are read back: a
 * task makes none before it has seen all that its former owners have made.
 *
 * Form of the metadata: `clock:<told to, epoch ms>@<offset>`.
 */
import type { ClockPlan } from '../../compiler/plan.ts';
import type { Header } from '../../core/headers.ts';
import { partitionOfText } from '../../core/partition.ts';
import { Record } from '../../core/record.ts';
import type { Schemas } from '../../core/schema.ts';
import { Slice } from '../../core/slice.ts';
import { NEVER } from '../../core/store.ts';
import { TimeZone } from '../../core/time-zone.ts';
import type { Collector } from '../collector.ts';
import { Node, type NodeHost } from '../node.ts';
import type { InputReader } from './input-reader.ts';

export const CLOCK_STEP = 'clock';

/**
 * Planned times that are settled in one turn: each is looked up in some tenths of a millisecond.
 */
const PIECE = 64;
/** With `missed: none` a tick is told as long as it is no later than that: a rebalance takes it. */
const LATE_MS_MAX = 60_000;
/** In the header of what a clock has made; a tick that somebody else has written moves nothing. */
const PLANNED = 'carillon.planned';
const POSITION = /^clock:(\d+)@(\d+)$/;

export interface ClockPosition {
  readonly toldToMs: number;
  /** The one that it is committed with. */
  readonly offset: number;
}

export function notePosition({ toldToMs, offset }: ClockPosition): string {
  return `clock:${toldToMs}@${offset}`;
}

/** Undefined: there is none. */
export function readPosition(metadata: string): ClockPosition | undefined {
  const [, toldToMs, offset] = POSITION.exec(metadata) ?? [];
  return toldToMs === undefined ? undefined : { toldToMs: +toldToMs, offset: Number(offset) };
}

export interface TickerHost extends NodeHost {
  readonly partition: number;
  readonly partitions: number;
  readonly collector: Collector;
  readonly schemas: Schemas;
}

interface Tick {
  readonly id: string;
  readonly plannedAt: number;
  readonly local: string;
  readonly zone: string;
  readonly partition: number;
}

export class Ticker implements InputReader {
  readonly plan: ClockPlan;
  readonly slice = new Slice();
  readonly node: Node;
  readonly #host: TickerHost;
  readonly #key: string;
  /** Null: it has never begun. */
  #toldToMs: number | null = null;
  #nextMs = NEVER;
  #offset = 0;
  /** Ticks of its own that it has not read back. */
  #onTheirWay = 0;
  #isStopped = false;

  constructor(plan: ClockPlan, host: TickerHost) {
    this.plan = plan;
    this.node = new Node(plan.stream, CLOCK_STEP, host);
    this.#host = host;
    this.#key = keyOf(host.partition, host.partitions);
  }

  get nodes(): readonly Node[] {
    return [this.node];
  }

  gap(): { readonly node: string; readonly by: number } | null {
    const by = this.node.gap();
    return by === 0 ? null : { node: this.node.name, by };
  }

  /** Only headers are read. */
  missingSchema(): number {
    return -1;
  }

  timeOf(): number {
    return Number.NEGATIVE_INFINITY;
  }

  /** Its own ticks, or those of a former owner. */
  run(): void {
    const { slice } = this;
    for (let j = 0; j < slice.selected; j++) {
      const { headers } = new Record(slice, slice.selection[j]!);
      const planned = headers?.findLast(({ key }) => key === PLANNED)?.value.toString();
      if (planned === undefined) continue;
      this.#told(Math.max(this.#toldToMs ?? 0, Number(planned)));
      this.#onTheirWay = Math.max(0, this.#onTheirWay - 1);
    }
  }

  startAt(metadata: string): void {
    const position = readPosition(metadata);
    if (position === undefined) return;
    this.#offset = position.offset;
    this.#told(position.toldToMs);
  }

  /** When it is to be looked at again, once its topic is read to the end. */
  get dueMs(): number {
    if (this.#isStopped) return NEVER;
    return this.#toldToMs === null ? 0 : this.#nextMs;
  }

  /**
   * Settles planned times that have come, the earliest first; gives how many. A clock that has
   * never begun begins now, with what comes after it.
   */
  tick(clockMs: number): number {
    if (this.dueMs > clockMs) return 0;
    if (this.#toldToMs === null) {
      this.#told(clockMs);
      return 1;
    }
    let settled = 0;
    for (; settled < PIECE && this.#nextMs <= clockMs; settled++) {
      const plannedMs = this.#nextMs;
      this.#told(plannedMs);
      this.#settle(plannedMs, clockMs);
    }
    return settled;
  }

  /** What it has told has become visible, to those who read it too. */
  get isRead(): boolean {
    return this.#onTheirWay === 0;
  }

  /** Nothing is planned any more. */
  stop(): void {
    this.#isStopped = true;
  }

  /** The offset that it was committed with last, where nothing was read since. */
  get offset(): number {
    return this.#offset;
  }

  /** The metadata of an offset of its topic. */
  note(offset: number): string {
    this.#offset = offset;
    return this.#toldToMs === null ? '' : notePosition({ toldToMs: this.#toldToMs, offset });
  }

  #told(toMs: number): void {
    this.#toldToMs = toMs;
    this.#nextMs = this.plan.schedule.next(toMs);
  }

  #settle(plannedMs: number, clockMs: number): void {
    const { counts } = this.node;
    counts.in++;
    if (this.#isMissed(plannedMs, clockMs)) {
      const { partition } = this.#host;
      this.node.drop('missed', { topic: this.plan.topic, partition, offset: -1 });
      return;
    }
    this.#write(plannedMs, clockMs);
    counts.passed++;
    counts.out++;
  }

  #isMissed(plannedMs: number, clockMs: number): boolean {
    const { missed } = this.plan;
    if (missed === 'latest') return this.#nextMs <= clockMs;
    return missed === 'none' && clockMs - plannedMs > LATE_MS_MAX;
  }

  #write(plannedMs: number, clockMs: number): void {
    const { topic, useCase, schedule } = this.plan;
    const { partition, collector, schemas } = this.#host;
    const tick: Tick = {
      id: `${useCase}@${new Date(plannedMs).toISOString()}/${partition}`,
      plannedAt: plannedMs,
      local: localOf(plannedMs, schedule.zone),
      zone: schedule.zone,
      partition,
    };
    const headers: Header[] = [{ key: PLANNED, value: Buffer.from(String(plannedMs)) }];
    const encoder = schemas.encoder('ClockTick');
    const builder = collector.builder(topic, partition);
    // Its own time is the task's clock: retention goes by it.
    builder.appendEncoded(clockMs, this.#key, encoder, tick, headers);
    this.#onTheirWay++;
  }
}

/** `2026-03-29T08:00`. */
function localOf(atMs: number, zone: string): string {
  const offsetMs = TimeZone.named(zone)?.offsetMs(atMs) ?? 0;
  return new Date(atMs + offsetMs).toISOString().slice(0, 16);
}

/** A text whose place is the partition: the smallest number that is one. */
function keyOf(partition: number, partitions: number): string {
  for (let n = 0; ; n++) if (partitionOfText(String(n), partitions) === partition) return String(n);
}
