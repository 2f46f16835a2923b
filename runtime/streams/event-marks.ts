/** Of two records of one event that come on two ways each is told. */
import { Record } from '../../core/record.ts';
import type { Slice } from '../../core/slice.ts';

/** Puts a mark behind the id of each event; an empty one leaves them. */
export function markEvents(slice: Slice, mark: string): void {
  if (mark === '') return;
  const record = new Record(slice, 0);
  for (record.i = 0; record.i < slice.n; record.i++) record.eventId = `${record.eventId}${mark}`;
}
