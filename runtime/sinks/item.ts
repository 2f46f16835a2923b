/** One record on its way to a device. */

import { type Marks, marksOf } from '../../core/lane-marks.ts';
import type { DeviceNotification } from '../../core/notification.ts';
import type { Delivery } from '../../core/outcome.ts';
import type { Record } from '../../core/record.ts';
import type { SinkTask } from './sink-task.ts';

export interface Item {
  readonly task: SinkTask;
  readonly topic: string;
  readonly offset: number;
  readonly record: Record;
  readonly notification: DeviceNotification;
  readonly beganMs: number;
  /** What the lane said of it: when it is due, who had it before. */
  readonly marks: Marks;
  delivery: Delivery;
  /** Tries that count against the record. */
  tries: number;
  /** How many had got through when it was tried last; -1: it was not. */
  successesBefore: number;
}

/** `successes`: how many got through on its lane so far. */
export function newItem(task: SinkTask, record: Record, beganMs: number, successes: number): Item {
  const notification = record.value as DeviceNotification;
  const marks = marksOf(record.headers);
  return {
    task,
    topic: record.topic,
    offset: record.offset,
    record,
    notification,
    beganMs,
    marks,
    delivery: {
      notification,
      bytes: record.valueBytes!,
      device: undefined,
      joined: record.joined ?? undefined,
      attempt: marks.attempt,
    },
    tries: marks.tries,
    // Its first trouble counts; one that was put off was counted then.
    successesBefore: marks.tries > 0 ? successes : -1,
  };
}
