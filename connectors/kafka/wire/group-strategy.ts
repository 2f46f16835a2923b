/**
 * How partitions are shared among the members of a group is handed in; here are the bytes that
 * travel with it (Kafka's ConsumerProtocol, version 0, so that Kafka's own tools can read them, and
 * members on kafkajs can be in the same group).
 */
import { RequestWriter } from './request-writer.ts';
import { ResponseReader } from './response-reader.ts';

export interface Subscription {
  readonly topics: readonly string[];
  /** Of the strategy's own: what a member tells of itself to the one that assigns. */
  readonly userData: Buffer;
}

export interface MemberSubscription extends Subscription {
  readonly memberId: string;
}

export interface Assignment {
  readonly partitions: ReadonlyMap<string, readonly number[]>;
  /** Of the strategy's own: what the one that assigns tells to the member. */
  readonly userData: Buffer;
}

export interface AssignmentStrategy {
  /** Members of one group have the same, or cannot join. */
  readonly name: string;
  /** What this member says of itself; asked at each join. */
  subscription(): Subscription;
  /** Called in the member that leads the group. Each member id must be in the result. */
  assign(members: readonly MemberSubscription[]): ReadonlyMap<string, Assignment>;
}

const VERSION = 0;

function written(write: (writer: RequestWriter) => void): Buffer {
  const writer = new RequestWriter();
  write(writer.int16(VERSION));
  return Buffer.concat(writer.done());
}

const writeBytes = (writer: RequestWriter, bytes: Buffer) => writer.int32(bytes.length).raw(bytes);

function readBytes(reader: ResponseReader): Buffer {
  return reader.left < 4 ? Buffer.alloc(0) : reader.raw(Math.max(0, reader.int32()));
}

export function encodeSubscription({ topics, userData }: Subscription): Buffer {
  return written((writer) => {
    writer.int32(topics.length);
    for (const topic of topics) writer.shortText(topic);
    writeBytes(writer, userData);
  });
}

/** What a later version adds stands behind, and is passed over. */
export function decodeSubscription(bytes: Buffer): Subscription {
  const reader = new ResponseReader(bytes);
  reader.int16();
  const topics = Array.from({ length: Math.max(0, reader.int32()) }, () => reader.shortText());
  return { topics, userData: readBytes(reader) };
}

export function encodeAssignment({ partitions, userData }: Assignment): Buffer {
  return written((writer) => {
    writer.int32(partitions.size);
    for (const [topic, mine] of partitions) {
      writer.shortText(topic).int32(mine.length);
      for (const partition of mine) writer.int32(partition);
    }
    writeBytes(writer, userData);
  });
}

/** A member that was given nothing may get no bytes at all. */
export function decodeAssignment(bytes: Buffer): Assignment {
  if (bytes.length === 0) return { partitions: new Map(), userData: bytes };
  const reader = new ResponseReader(bytes);
  reader.int16();
  const partitions = new Map<string, readonly number[]>();
  for (let topics = reader.int32(); topics > 0; topics--) {
    const topic = reader.shortText();
    const count = Math.max(0, reader.int32());
    partitions.set(
      topic,
      Array.from({ length: count }, () => reader.int32()),
    );
  }
  return { partitions, userData: readBytes(reader) };
}
