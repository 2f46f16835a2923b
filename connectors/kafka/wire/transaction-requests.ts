/**
 * The requests that make a transaction (KIP-98). In the versions of a client that adds partitions
 * itself: AddPartitionsToTxn 3, AddOffsetsToTxn 3, TxnOffsetCommit 3 (with the member's id and
 * generation, KIP-447), EndTxn 3. In the second version of transactions (KIP-890) leaders add them,
 * and each transaction has an epoch of its own: TxnOffsetCommit 5, EndTxn 5, which gives the next.
 */
import type { Api, Throttled } from './api.ts';
import type { Coded } from './coordinator.ts';
import type { ProducerIdentity } from './produce-request.ts';
import type { RequestWriter } from './request-writer.ts';
import type { ResponseReader } from './response-reader.ts';

export interface Owner extends ProducerIdentity {
  readonly transactionalId: string;
}

export interface TopicPartition {
  readonly topic: string;
  readonly partition: number;
}

export interface PartitionOffset extends TopicPartition {
  /** The next offset to read. */
  readonly offset: number;
  /** At most 4096 bytes by default; empty for none. */
  readonly metadata: string;
}

/**
 * Offsets that become the group's with the transaction, if the member is still of that generation.
 */
export interface GroupOffsets {
  readonly group: string;
  readonly memberId: string;
  readonly generation: number;
  readonly offsets: readonly PartitionOffset[];
}

interface CodedAnswer extends Throttled, Coded {}

const writeOwner = (writer: RequestWriter, owner: Owner) =>
  writer.text(owner.transactionalId).int64(owner.producerId).int16(owner.epoch);

function readCoded(reader: ResponseReader): CodedAnswer {
  const throttleMs = reader.int32();
  const code = reader.int16();
  reader.tags();
  return { throttleMs, code };
}

/** `OPERATION_NOT_ATTEMPTED`: another partition's error is the reason. */
const NOT_ATTEMPTED = 55;

/** The code of the first partition that failed. */
export function readPartitionCodes(reader: ResponseReader): CodedAnswer {
  const throttleMs = reader.int32();
  let code = 0;
  reader.list(() => {
    reader.text();
    reader.list(() => {
      reader.int32();
      const one = reader.int16();
      if (code === 0 || code === NOT_ATTEMPTED) code = one === 0 ? code : one;
      reader.tags();
    });
    reader.tags();
  });
  reader.tags();
  return { throttleMs, code };
}

export function writePartitions(
  writer: RequestWriter,
  partitions: readonly TopicPartition[],
): void {
  writer.list([...Map.groupBy(partitions, (one) => one.topic)], ([topic, those]) => {
    writer.text(topic);
    writer.list(those, ({ partition }) => writer.int32(partition));
    writer.tags();
  });
}

export function writePartitionOffsets(
  writer: RequestWriter,
  offsets: readonly PartitionOffset[],
): void {
  writer.list([...Map.groupBy(offsets, (one) => one.topic)], ([topic, partitions]) => {
    writer.text(topic);
    writer.list(partitions, ({ partition, offset, metadata }) => {
      writer.int32(partition).int64(offset).int32(-1).text(metadata).tags();
    });
    writer.tags();
  });
}

export interface AddPartitions {
  readonly owner: Owner;
  readonly partitions: readonly TopicPartition[];
}

export const ADD_PARTITIONS_TO_TXN: Api<AddPartitions, CodedAnswer> = {
  key: 24,
  name: 'AddPartitionsToTxn',
  min: 3,
  max: 3,
  write(writer, { owner, partitions }) {
    writeOwner(writer, owner);
    writePartitions(writer, partitions);
    writer.tags();
  },
  read: readPartitionCodes,
};

export interface AddOffsets {
  readonly owner: Owner;
  readonly group: string;
}

export const ADD_OFFSETS_TO_TXN: Api<AddOffsets, CodedAnswer> = {
  key: 25,
  name: 'AddOffsetsToTxn',
  min: 3,
  max: 3,
  write: (writer, { owner, group }) => void writeOwner(writer, owner).text(group).tags(),
  read: readCoded,
};

export interface TxnOffsetCommit {
  readonly owner: Owner;
  readonly of: GroupOffsets;
}

export const TXN_OFFSET_COMMIT: Api<TxnOffsetCommit, CodedAnswer> = {
  key: 28,
  name: 'TxnOffsetCommit',
  min: 3,
  max: 3,
  write(writer, { owner, of }) {
    writer.text(owner.transactionalId).text(of.group);
    writer.int64(owner.producerId).int16(owner.epoch);
    writer.int32(of.generation).text(of.memberId).text(null);
    writePartitionOffsets(writer, of.offsets);
    writer.tags();
  },
  read: readPartitionCodes,
};

/** Version 5 makes the group's offsets part of the transaction by itself. */
export const TXN_OFFSET_COMMIT_AND_ADD: typeof TXN_OFFSET_COMMIT = {
  ...TXN_OFFSET_COMMIT,
  min: 5,
  max: 5,
};

export interface EndTxn {
  readonly owner: Owner;
  readonly commit: boolean;
}

export const END_TXN: Api<EndTxn, CodedAnswer> = {
  key: 26,
  name: 'EndTxn',
  min: 3,
  max: 3,
  write: (writer, { owner, commit }) => void writeOwner(writer, owner).bool(commit).tags(),
  read: readCoded,
};

export interface EndTxnAnswer extends CodedAnswer {
  /** Under which the next transaction is written. */
  readonly next: ProducerIdentity;
}

export const END_TXN_AND_BUMP: Api<EndTxn, EndTxnAnswer> = {
  ...END_TXN,
  min: 5,
  max: 5,
  read(reader) {
    const throttleMs = reader.int32();
    const code = reader.int16();
    const next = { producerId: reader.int64(), epoch: reader.int16() };
    reader.tags();
    return { throttleMs, code, next };
  },
};
