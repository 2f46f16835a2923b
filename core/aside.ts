/** Records that a step puts aside, in a topic that the topology names for them. */
import type { Header } from './headers.ts';
import type { Record } from './record.ts';

export interface Asides {
  /**
   * Writes the record as it came to the topic that the option `aside` of the spec names, with these
   * headers and its origin added. What becomes of it is the verdict's matter all the same.
   */
  aside(record: Record, topic: string, headers: readonly Header[]): void;
}
