/**
 * Produce, versions 9 to 11: sealed batches of the partitions of one leader, one batch a partition
 * (as the protocol has it), acknowledged by all in-sync replicas. Version 12 is another request: it
 * makes its partitions part of the transaction (KIP-890, second part).
 */
import { crc32c } from '@node-rs/crc32';
import type { Api, Throttled } from './api.ts';
import { CODECS, type Compression, compress } from './compression.ts';

/** Who writes: told by the broker, in each batch. */
export interface ProducerIdentity {
  readonly producerId: number;
  readonly epoch: number;
}

export interface ProduceRequest {
  readonly transactionalId: string | null;
  readonly timeoutMs: number;
  readonly batches: readonly SealedBatch[];
}

export interface SealedBatch {
  readonly topic: string;
  readonly partition: number;
  readonly sealed: Buffer;
}

export interface ProducedPartition {
  readonly topic: string;
  readonly partition: number;
  readonly code: number;
  readonly baseOffset: number;
  readonly why: string;
}

export interface ProduceAnswer extends Throttled {
  readonly partitions: readonly ProducedPartition[];
}

const ALL_IN_SYNC = -1;

export const PRODUCE: Api<ProduceRequest, ProduceAnswer> = {
  key: 0,
  name: 'Produce',
  min: 9,
  max: 11,
  write(writer, { transactionalId, timeoutMs, batches }) {
    writer.text(transactionalId).int16(ALL_IN_SYNC).int32(timeoutMs);
    writer.list([...Map.groupBy(batches, (one) => one.topic)], ([topic, partitions]) => {
      writer.text(topic);
      writer.list(partitions, ({ partition, sealed }) => {
        writer.int32(partition).blob(sealed).tags();
      });
      writer.tags();
    });
    writer.tags();
  },
  read(reader) {
    const partitions: ProducedPartition[] = [];
    reader.list(() => {
      const topic = reader.text();
      reader.list(() => {
        const partition = reader.int32();
        const code = reader.int16();
        const baseOffset = reader.int64();
        reader.int64();
        reader.int64();
        const refused = reader.list(() => {
          reader.int32();
          const said = reader.textOrNull();
          reader.tags();
          return said;
        });
        const why = reader.textOrNull() ?? refused.find((said) => said !== null) ?? '';
        reader.tags();
        partitions.push({ topic, partition, code, baseOffset, why });
      });
      reader.tags();
    });
    const throttleMs = reader.int32();
    reader.tags();
    return { throttleMs, partitions };
  },
};

/** In a transaction of the second version: the leader adds the partitions itself. */
export const PRODUCE_AND_ADD: typeof PRODUCE = { ...PRODUCE, min: 12, max: 12 };

const HEADER_BYTES = 61;
const PREFIX_BYTES = 12;
const CRC_AT = 17;
const ATTRIBUTES_AT = 21;
const PRODUCER_ID_AT = 43;
const EPOCH_AT = 51;
const SEQUENCE_AT = 53;
const TRANSACTIONAL = 0x10;
/** A sequence has 31 bits and begins again at 0. */
const SEQUENCES = 0x8000_0000;

export interface Seal extends ProducerIdentity {
  readonly sequence: number;
  readonly transactional: boolean;
  readonly compression: Compression;
}

/**
 * Makes a finished batch of `BatchBuilder` ready to be sent: writer, sequence, codec, CRC. Without
 * compression it is sealed where it lies; a batch may be sealed again.
 */
export function seal(batch: Buffer, how: Seal): Buffer {
  let bytes = batch;
  if (how.compression !== 'none') {
    const records = compress(how.compression, batch.subarray(HEADER_BYTES));
    bytes = Buffer.allocUnsafe(HEADER_BYTES + records.length);
    batch.copy(bytes, 0, 0, HEADER_BYTES);
    records.copy(bytes, HEADER_BYTES);
  }
  bytes.fill(0, 0, 8);
  bytes.writeInt32BE(bytes.length - PREFIX_BYTES, 8);
  const attributes = CODECS[how.compression] | (how.transactional ? TRANSACTIONAL : 0);
  bytes.writeInt16BE(attributes, ATTRIBUTES_AT);
  bytes.writeBigInt64BE(BigInt(how.producerId), PRODUCER_ID_AT);
  bytes.writeInt16BE(how.epoch, EPOCH_AT);
  bytes.writeInt32BE(how.sequence, SEQUENCE_AT);
  bytes.writeUInt32BE(crc32c(bytes.subarray(ATTRIBUTES_AT)) >>> 0, CRC_AT);
  return bytes;
}

export function sequenceAfter(sequence: number, count: number): number {
  return (sequence + count) % SEQUENCES;
}
