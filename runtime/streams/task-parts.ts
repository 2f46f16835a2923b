/** What the parts of one task share. */
import type { Schemas } from '../../core/schema.ts';
import type { Collector } from '../collector.ts';
import type { DeviceNumbers } from './device-numbers.ts';
import type { StepHost } from './step.ts';

export interface TaskParts extends StepHost {
  readonly schemas: Schemas;
  readonly collector: Collector;
  /** Of every topic of the topology. */
  readonly partitions: number;
  /** The numbers of the lane writers; null in a sub-topology without lanes. */
  readonly numbers: DeviceNumbers | null;
  /** A broken invariant: the task ends. */
  fail(error: unknown): void;
}
