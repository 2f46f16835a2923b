/** From what was fetched of a partition to the engine's batches, as they lie on the wire. */
import type { LogBatch } from '../../core/log.ts';
import { walkBatches } from './wire/batches.ts';
import type { FetchedPartition } from './wire/fetcher.ts';

const NO_BYTES = Buffer.alloc(0);
/** A run that is a smaller part of its answer is copied, so that it does not hold all of it. */
const SHARE_MIN = 1 / 4;

/** No records: only the position moves on. */
export function emptyBatch(
  { topic, partition }: { readonly topic: string; readonly partition: number },
  from: number,
  nextOffset: number,
): LogBatch {
  return { topic, partition, bytes: NO_BYTES, baseOffset: from, from, nextOffset };
}

/**
 * The batches with committed records, in order; what was passed over goes with the last one. Empty
 * when no batch was whole. Throws CAR647 when the first one cannot be read.
 */
export function logBatches({ wanted, bytes, aborted }: FetchedPartition): LogBatch[] {
  const { topic, partition, offset } = wanted;
  const run = { topic, partition, offset, bytes: ownBytes(bytes), aborted };
  const { batches, nextOffset } = walkBatches(run);
  if (nextOffset === offset) return [];
  let from = offset;
  const found = batches.map(({ bytes: records, baseOffset, lastOffset }, i): LogBatch => {
    const next = i === batches.length - 1 ? nextOffset : lastOffset + 1;
    const batch = { topic, partition, bytes: records, baseOffset, from, nextOffset: next };
    from = next;
    return batch;
  });
  return found.length === 0 ? [emptyBatch(wanted, offset, nextOffset)] : found;
}

/** Bytes that hold no more memory than four times their own. */
function ownBytes(bytes: Buffer): Buffer {
  return bytes.length < bytes.buffer.byteLength * SHARE_MIN ? Buffer.from(bytes) : bytes;
}
