/** Batches as a log hands them out, for tests of who takes them. */
import { BatchBuilder } from '../../core/batch-builder.ts';
import type { LogBatch } from '../../core/log.ts';
import { wholeBatch } from '../../core/record-batch.ts';

/** Records `k<offset>` with value `v<offset>` from offset `from` on, `count` of them. */
export function numberedBatch(
  topic: string,
  partition: number,
  from: number,
  count: number,
  nextOffset = from + count,
): LogBatch {
  const builder = new BatchBuilder(topic, partition);
  for (let i = 0; i < count; i++) {
    builder.append(0, `k${from + i}`, Buffer.from(`v${from + i}`));
  }
  return { ...wholeBatch(topic, partition, builder.finish().bytes, from), nextOffset };
}
