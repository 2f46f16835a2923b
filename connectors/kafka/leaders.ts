/**
 * One request carries the partitions of one leader only. kafkajs retries a request only with the
 * brokers that have not answered, so a partition that moves to a broker which has answered is taken
 * for sent and is lost (seen with three brokers, see docs/decisions/kafkajs.md). Its partitioner is
 * called with its own view of the leaders at every attempt, before anything is sent: there the rule
 * is held.
 */
import type { ICustomPartitioner, PartitionMetadata } from 'kafkajs';
import type { OutMessage, Piece, SendGroup } from './messages.ts';

/** The leaders are not what the group was made for: nothing of this attempt was sent. */
export class LeaderMoved extends Error {
  readonly retriable = false;

  constructor(topic: string, partition: number) {
    super(`${topic}/${partition} has another leader than the rest of its request`);
    this.name = 'LeaderMoved';
  }
}

export class Leaders {
  /** What kafkajs said last, per topic. */
  readonly #known = new Map<string, readonly PartitionMetadata[]>();

  readonly partitioner: ICustomPartitioner = () => {
    let lastMetadata: readonly PartitionMetadata[] | undefined;
    let lastPartition = -1;
    let lastGroup: SendGroup | null = null;
    return ({ topic, partitionMetadata, message }) => {
      const { partition, group } = message as OutMessage;
      if (
        partition === lastPartition &&
        partitionMetadata === lastMetadata &&
        group === lastGroup &&
        group?.leader !== null
      ) {
        return partition;
      }
      this.#known.set(topic, partitionMetadata);
      const leader = leaderIn(partitionMetadata, partition);
      if (group !== null && leader !== undefined) {
        if (group.leader === null) group.leader = leader;
        else if (group.leader !== leader) throw new LeaderMoved(topic, partition);
      }
      lastMetadata = partitionMetadata;
      lastPartition = partition;
      lastGroup = group;
      return partition;
    };
  };

  /** The pieces by leader; those whose leader is not known yet are one group that learns it. */
  groups(pieces: readonly Piece[]): Piece[][] {
    const byLeader = new Map<number | undefined, Piece[]>();
    for (const piece of pieces) {
      const known = this.#known.get(piece.topic);
      const leader = known === undefined ? undefined : leaderIn(known, piece.partition);
      const group = byLeader.get(leader);
      if (group === undefined) byLeader.set(leader, [piece]);
      else group.push(piece);
    }
    for (const [leader, group] of byLeader) mark(group, leader ?? null);
    return [...byLeader.values()];
  }
}

function leaderIn(metadata: readonly PartitionMetadata[], partition: number): number | undefined {
  return metadata.find((p) => p.partitionId === partition)?.leader;
}

function mark(pieces: readonly Piece[], leader: number | null): void {
  const group: SendGroup = { leader };
  for (const piece of pieces) for (const message of piece.messages) message.group = group;
}
