/**
 * What a timed step sends on: copies with bytes of their own, as the rows that they come from are
 * gone when the next step reads them. A slice has records of one topic partition; so several may
 * wait until the step has returned, and when it throws they are taken back.
 */
import { Record } from '../../core/record.ts';
import { NONE, Slice } from '../../core/slice.ts';
import type { TimedEmit } from '../../core/spec.ts';
import type { ColumnKinds } from '../../core/store.ts';
import { appendCopy } from '../state/append-copy.ts';
import type { RowStore } from '../state/row-store.ts';
import type { Reading } from './reading.ts';

export class HeldOutput {
  readonly emit: TimedEmit;
  readonly #store: RowStore<ColumnKinds>;
  readonly #fields: number;
  readonly #send: (slice: Slice) => void;
  readonly #emitted: Record;
  /** What records are appended to. */
  #out: Slice;
  /** Those before it that are full, or of other places, since the step began with one record. */
  readonly #waiting: Slice[] = [];
  readonly #spare: Slice[] = [];
  /** How many records the first of them all had when the step began. */
  #mark = 0;
  #slice: Slice | null = null;

  /** `send`: sends a slice on; it is empty when it returns. `reading`: reads held values. */
  constructor(
    store: RowStore<ColumnKinds>,
    fields: number,
    send: (slice: Slice) => void,
    reading: Pick<Reading, 'relocate'>,
  ) {
    const looked = new Slice(fields, 1);
    this.#store = store;
    this.#fields = fields;
    this.#send = send;
    this.#out = new Slice(fields);
    this.#emitted = new Record(this.#out, 0);
    const view = () => {
      looked.resetOwn(store.heldTopic(), store.heldPartition());
      store.appendHeld(looked);
      reading.relocate(looked);
      return new Record(looked, 0);
    };
    const emit = (record: Record): Record => {
      const out = this.#turnTo(record.topic, record.partition);
      return this.#at(appendCopy(record.slice, record.i, out));
    };
    this.emit = Object.assign(emit, {
      held: () => {
        const out = this.#turnTo(store.heldTopic(), store.heldPartition());
        const i = this.#store.appendHeld(out);
        // Not the row's: an edit may have brought it here from another priority.
        out.priority = this.#slice!.priority;
        return this.#at(i);
      },
      value: () => view().value,
      view,
      blank: () => {
        const { topic, partition } = this.#slice!;
        return this.#at(appendBlank(this.#turnTo(topic, partition)));
      },
    });
  }

  /** A slice comes in: what is sent belongs to its time. */
  open(slice: Slice): void {
    this.#slice = slice;
    this.#reset(slice.topic, slice.partition);
  }

  /** The step begins with one record. */
  begin(): void {
    this.#mark = this.#out.n;
  }

  /** It has returned: what it has sent stays. */
  keep(): void {
    if (this.#waiting.length === 0) return;
    for (const slice of this.#waiting) this.#send(slice);
    this.#spare.push(...this.#waiting.splice(0));
  }

  /** It threw: what it has sent since is taken back. */
  undo(): void {
    const first = this.#waiting.shift();
    if (first !== undefined) {
      this.#spare.push(this.#out, ...this.#waiting.splice(0));
      this.#out = first;
    }
    this.#out.cut(this.#mark);
  }

  /** Sends what is there, be it nothing: the next step learns the time. */
  flush(): void {
    this.#send(this.#out);
  }

  #turnTo(topic: string, partition: number): Slice {
    const out = this.#out;
    const isSame = out.topic === topic && out.partition === partition;
    if (isSame && out.n < out.capacity) return out;
    if (this.#waiting.length > 0 || out.n > this.#mark) {
      this.#waiting.push(out);
      this.#out = this.#spare.pop() ?? new Slice(this.#fields);
    } else {
      if (out.n > 0) this.#send(out);
      this.#mark = 0;
    }
    this.#reset(topic, partition);
    return this.#out;
  }

  #reset(topic: string, partition: number): void {
    const out = this.#out;
    out.resetOwn(topic, partition);
    out.priority = this.#slice!.priority;
    out.clockMs = this.#slice!.clockMs;
    out.devices = null;
  }

  #at(i: number): Record {
    this.#emitted.slice = this.#out;
    this.#emitted.i = i;
    return this.#emitted;
  }
}

/** Appends a record of which nothing is known yet; gives its index. */
function appendBlank(out: Slice): number {
  const i = out.n++;
  out.offset[i] = -1;
  out.timestamp[i] = 0;
  for (const column of [out.keyStart, out.keyEnd, out.valueStart, out.valueEnd, out.headersAt]) {
    column[i] = NONE;
  }
  out.clearSlots(i);
  out.selection[out.selected++] = i;
  return i;
}
