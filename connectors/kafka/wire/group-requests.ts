/**
 * The requests of the classic group protocol: JoinGroup 7, SyncGroup 5, Heartbeat 4, LeaveGroup 4,
 * OffsetFetch 7 and OffsetCommit 8. A broker of 2.8 or later speaks them all, Kafka 4 too.
 */
import type { Api, Throttled } from './api.ts';
import type { Coded } from './coordinator.ts';
import type { RequestWriter } from './request-writer.ts';
import {
  type PartitionOffset,
  readPartitionCodes,
  type TopicPartition,
  writePartitionOffsets,
  writePartitions,
} from './transaction-requests.ts';

interface CodedAnswer extends Throttled, Coded {}

/**
 * Kafka's word for groups whose members share partitions; tools read such a group's assignments.
 */
const PROTOCOL_TYPE = 'consumer';
const MEMBER_ID_REQUIRED = 79;

export interface JoinGroup {
  readonly group: string;
  readonly sessionTimeoutMs: number;
  readonly rebalanceTimeoutMs: number;
  /** Empty for a new member. */
  readonly memberId: string;
  readonly protocol: string;
  readonly subscription: Buffer;
}

export interface JoinAnswer extends CodedAnswer {
  readonly generation: number;
  readonly protocol: string;
  readonly leader: string;
  readonly memberId: string;
  /** The broker has only given an id, and wants to be asked again with it (KIP-394). */
  readonly isOnlyId: boolean;
  /** For the leader: all of them, itself too. */
  readonly members: readonly { readonly memberId: string; readonly subscription: Buffer }[];
}

export const JOIN_GROUP: Api<JoinGroup, JoinAnswer> = {
  key: 11,
  name: 'JoinGroup',
  min: 7,
  max: 7,
  write(writer, join) {
    writer.text(join.group).int32(join.sessionTimeoutMs).int32(join.rebalanceTimeoutMs);
    writer.text(join.memberId).text(null).text(PROTOCOL_TYPE);
    writer.list([join], (one) => writer.text(one.protocol).blob(one.subscription).tags());
    writer.tags();
  },
  read(reader) {
    const throttleMs = reader.int32();
    const code = reader.int16();
    const generation = reader.int32();
    reader.textOrNull();
    const protocol = reader.textOrNull() ?? '';
    const leader = reader.text();
    const memberId = reader.text();
    const members = reader.list(() => {
      const id = reader.text();
      reader.textOrNull();
      const member = { memberId: id, subscription: reader.blob() };
      reader.tags();
      return member;
    });
    reader.tags();
    const isOnlyId = code === MEMBER_ID_REQUIRED;
    return {
      throttleMs,
      code: isOnlyId ? 0 : code,
      generation,
      protocol,
      leader,
      memberId,
      isOnlyId,
      members,
    };
  },
};

/** A member of one generation. */
export interface Membership {
  readonly group: string;
  readonly memberId: string;
  readonly generation: number;
}

export interface SyncGroup extends Membership {
  readonly protocol: string;
  /** By member id; empty but for the leader. */
  readonly assignments: ReadonlyMap<string, Buffer>;
}

export interface SyncAnswer extends CodedAnswer {
  readonly assignment: Buffer;
}

const writeMembership = (writer: RequestWriter, of: Membership) =>
  writer.text(of.group).int32(of.generation).text(of.memberId).text(null);

export const SYNC_GROUP: Api<SyncGroup, SyncAnswer> = {
  key: 14,
  name: 'SyncGroup',
  min: 5,
  max: 5,
  write(writer, sync) {
    writeMembership(writer, sync).text(PROTOCOL_TYPE).text(sync.protocol);
    writer.list([...sync.assignments], ([memberId, assignment]) => {
      writer.text(memberId).blob(assignment).tags();
    });
    writer.tags();
  },
  read(reader) {
    const throttleMs = reader.int32();
    const code = reader.int16();
    reader.textOrNull();
    reader.textOrNull();
    const assignment = reader.blob();
    reader.tags();
    return { throttleMs, code, assignment };
  },
};

export const HEARTBEAT: Api<Membership, CodedAnswer> = {
  key: 12,
  name: 'Heartbeat',
  min: 4,
  max: 4,
  write: (writer, membership) => void writeMembership(writer, membership).tags(),
  read(reader) {
    const throttleMs = reader.int32();
    const code = reader.int16();
    reader.tags();
    return { throttleMs, code };
  },
};

export interface LeaveGroup {
  readonly group: string;
  readonly memberId: string;
}

export const LEAVE_GROUP: Api<LeaveGroup, CodedAnswer> = {
  key: 13,
  name: 'LeaveGroup',
  min: 4,
  max: 4,
  write(writer, { group, memberId }) {
    writer.text(group);
    writer.list([memberId], (id) => writer.text(id).text(null).tags());
    writer.tags();
  },
  read(reader) {
    const throttleMs = reader.int32();
    let code = reader.int16();
    reader.list(() => {
      reader.text();
      reader.textOrNull();
      const one = reader.int16();
      if (code === 0) code = one;
      reader.tags();
    });
    reader.tags();
    return { throttleMs, code };
  },
};

export interface OffsetFetch {
  readonly group: string;
  readonly partitions: readonly TopicPartition[];
  /** Waits for transactions that hold offsets of these partitions (KIP-447). */
  readonly requireStable: boolean;
}

export interface OffsetFetchAnswer extends CodedAnswer {
  /** Those that were never committed have offset -1. */
  readonly offsets: readonly PartitionOffset[];
}

export const OFFSET_FETCH: Api<OffsetFetch, OffsetFetchAnswer> = {
  key: 9,
  name: 'OffsetFetch',
  min: 7,
  max: 7,
  write(writer, { group, partitions, requireStable }) {
    writer.text(group);
    writePartitions(writer, partitions);
    writer.bool(requireStable).tags();
  },
  read(reader) {
    const throttleMs = reader.int32();
    const offsets: PartitionOffset[] = [];
    let failed = 0;
    reader.list(() => {
      const topic = reader.text();
      reader.list(() => {
        const partition = reader.int32();
        const offset = reader.int64();
        reader.int32();
        offsets.push({ topic, partition, offset, metadata: reader.text() });
        const code = reader.int16();
        if (failed === 0) failed = code;
        reader.tags();
      });
      reader.tags();
    });
    const code = reader.int16();
    reader.tags();
    return { throttleMs, code: code === 0 ? failed : code, offsets };
  },
};

export interface OffsetCommit extends Membership {
  readonly offsets: readonly PartitionOffset[];
}

export const OFFSET_COMMIT: Api<OffsetCommit, CodedAnswer> = {
  key: 8,
  name: 'OffsetCommit',
  min: 8,
  max: 8,
  write(writer, commit) {
    writeMembership(writer, commit);
    writePartitionOffsets(writer, commit.offsets);
    writer.tags();
  },
  read: readPartitionCodes,
};
