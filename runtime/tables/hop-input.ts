/** What one half of a join by a foreign key reads of the other: one message a record. */
import { Slice } from '../../core/slice.ts';
import { Node } from '../node.ts';
import { keyOf } from '../state/kept-rows.ts';
import type { InputReader } from '../streams/input-reader.ts';
import type { TaskParts } from '../streams/task-parts.ts';
import { type Cause, recordOf } from './derived-writer.ts';

export interface HopForm<Message> {
  /** Undefined: it is none. */
  read(slice: Slice, i: number): Message | undefined;
  /** The writer schema that must be loaded before it can be taken, or -1. */
  missingSchema(message: Message): number;
  take(key: string, message: Message, cause: Cause): void;
}

export class HopInput<Message extends { readonly atMs: number }> implements InputReader {
  readonly topic: string;
  readonly node: Node;
  readonly slice = new Slice();
  readonly #form: HopForm<Message>;

  constructor(
    topic: string,
    { role, name }: { readonly role: string; readonly name: string },
    parts: TaskParts,
    form: HopForm<Message>,
  ) {
    this.topic = topic;
    this.node = new Node(role, name, parts);
    this.#form = form;
  }

  missingSchema(i: number): number {
    const message = this.#form.read(this.slice, i);
    return message === undefined ? -1 : this.#form.missingSchema(message);
  }

  timeOf(i: number): number {
    return this.#form.read(this.slice, i)?.atMs ?? Number.NEGATIVE_INFINITY;
  }

  run(): void {
    const { slice, node } = this;
    for (let j = 0; j < slice.selected; j++) {
      const i = slice.selection[j]!;
      node.counts.in++;
      const message = this.#form.read(slice, i);
      if (message === undefined) {
        const why = 'it was not written by the other half of the join';
        node.refuse(recordOf({ slice, i }), { code: 'CAR503', why });
        continue;
      }
      node.counts.passed++;
      node.counts.out++;
      this.#form.take(keyOf(slice, i), message, { slice, i });
    }
  }
}
