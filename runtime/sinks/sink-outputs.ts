/** What a sink's task writes: outcomes, dead letters, dead tokens, and what it puts off. */
import type { Transport } from '../../core/device.ts';
import { headersOf, type Marks } from '../../core/lane-marks.ts';
import type { DeviceNotification } from '../../core/notification.ts';
import type { DeadToken, DeliveryOutcome } from '../../core/outcome.ts';
import type { Record } from '../../core/record.ts';
import type { Collector } from '../collector.ts';
import { type DeadLetter, writeDeadLetter } from '../dead-letters.ts';
import type { Item } from './item.ts';
import { isWritten } from './outcome-level.ts';
import { OutcomeWriter } from './outcome-writer.ts';
import type { SinkLane } from './sink-lane.ts';

export const DELIVER_STEP = 'deliver';

export class SinkOutputs {
  readonly #lane: SinkLane;
  readonly #collector: Collector;
  readonly #outcomes: OutcomeWriter;
  /** Records written since it was last set to 0. */
  written = 0;

  constructor(lane: SinkLane, collector: Collector) {
    this.#lane = lane;
    this.#collector = collector;
    this.#outcomes = new OutcomeWriter(collector, lane.options.schemas);
  }

  outcome(
    notification: DeviceNotification,
    told: Pick<DeliveryOutcome, 'outcome' | 'reason' | 'ambiguous' | 'attempt'>,
    nowMs: number,
  ): void {
    const keeps = this.#lane.sinkPlan.spec.keeps === true;
    // An inbox is no attempt to tell a device: that is told by who reads it.
    if (keeps && told.outcome !== 'delivered') return;
    const outcome = keeps ? 'stored' : told.outcome;
    const level = this.#lane.outcomeLevels.get(notification.useCase);
    if (!isWritten(level, outcome, notification.id)) return;
    this.#outcomes.outcome({
      notificationId: notification.id,
      deviceId: notification.deviceId,
      useCase: notification.useCase,
      priority: this.#lane.priorityName,
      sink: this.#lane.sinkPlan.name,
      ...told,
      outcome,
      attempt: Math.max(1, told.attempt),
      at: nowMs,
      ageMs: Math.max(0, nowMs - notification.born),
    });
    this.written++;
  }

  deadToken(deviceId: string, dead: DeadToken, nowMs: number): void {
    this.#outcomes.deadToken(deviceId, dead, nowMs);
    this.written++;
  }

  deadLetter(record: Record, letter: DeadLetter): void {
    const { plan, options } = this.#lane;
    writeDeadLetter(this.#collector, plan.deadLetters, record, letter, options.clock.now());
    options.onDeadLetter?.(record, letter);
    this.written++;
  }

  /** The delivery of an item has failed for good. */
  letter({ record }: Item, code: string, why: string): void {
    const stream = this.#lane.sinkPlan.name;
    this.deadLetter(record, { code, why, stream, step: DELIVER_STEP });
  }

  /** Into the sink's own retry topic, from where it comes back when it is due (rule D8). */
  postpone(item: Item, topic: string, dueMs: number, rests: boolean): void {
    const { tries, delivery, marks } = item;
    this.#append(topic, item.record, { ...marks, dueMs, rests, tries, attempt: delivery.attempt });
  }

  /** Into the lane of another transport. */
  handOn(record: Record, to: Transport, handedBy: readonly Transport[]): void {
    const { sinkPlan, priority } = this.#lane;
    const marks = { dueMs: 0, rests: false, attempt: 0, tries: 0, handedBy };
    this.#append(sinkPlan.lane.topicOf(priority, to), record, marks);
  }

  #append(topic: string, record: Record, marks: Marks): void {
    this.#collector
      .builder(topic, record.partition % this.#collector.partitions)
      .append(record.timestamp, record.keyBytes, record.valueBytes, headersOf(marks));
    this.written++;
  }
}
