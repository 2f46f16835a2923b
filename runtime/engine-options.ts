/** What every task of a process shares. */
import type { BytePool } from '../core/byte-pool.ts';
import type { Clock } from '../core/clock.ts';
import type { Record } from '../core/record.ts';
import type { Schemas } from '../core/schema.ts';
import type { DeadLetter } from './dead-letters.ts';
import type { NodeHost } from './node.ts';
import type { Schedulable } from './scheduler.ts';
import type { MemoryBudget } from './state/memory-budget.ts';
import type { WholeTables } from './whole-tables.ts';

export interface EngineOptions {
  readonly clock: Clock;
  readonly schemas: Schemas;
  /** Of every topic of the topology. */
  readonly partitions: number;
  /** Where streams stop reading an input, in a version of the topology that ends; none: nowhere. */
  readTo?: (topic: string, partition: number) => number;
  /** Where the bytes of what streams write come from; absent: always fresh ones. */
  readonly pool?: BytePool;
  /** The tables that the process holds whole; absent: there are none. */
  readonly wholeTables?: WholeTables;
  /** What the state of the process may take; absent: as much as it needs. */
  readonly memory?: MemoryBudget;
  /** Tells the scheduler that there is something to do. */
  wake(): void;
  onDeadLetter?: (record: Record, letter: DeadLetter) => void;
  /** For tools that name every drop; undefined when nobody listens. */
  onDrop?: NodeHost['onDrop'];
  /** A task met a broken invariant; the log closes it. */
  onFailure?: (error: Error) => void;
  /** A task was taken away or has ended. */
  onClosed?: (task: Schedulable) => void;
}
