/** What the last nodes of streams that write to topics have in common. */
import { Record } from '../../core/record.ts';
import type { Slice } from '../../core/slice.ts';
import type { Node } from '../node.ts';

/** Writes and counts each record of a slice. `write` false: it was refused, and is counted so. */
export function writeEach(node: Node, slice: Slice, write: (record: Record) => boolean): void {
  const { counts } = node;
  const record = new Record(slice, 0);
  for (let j = 0; j < slice.selected; j++) {
    record.i = slice.selection[j]!;
    counts.in++;
    if (!write(record)) continue;
    counts.passed++;
    counts.out++;
  }
}

/** False: the value that steps have given does not fit the schema, and is a dead letter. */
export function isEncoded(node: Node, record: Record, append: () => void): boolean {
  try {
    append();
    return true;
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    node.refuse(record, { code: 'CAR511', why });
    return false;
  }
}
