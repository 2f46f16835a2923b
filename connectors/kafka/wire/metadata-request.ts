/** Metadata, versions 10 to 12: brokers, and topics with their ids and leaders. */
import type { Api } from './api.ts';
import type { Address } from './connection.ts';
import { errorName } from './errors.ts';
import type { ResponseReader } from './response-reader.ts';

export interface TopicMetadata {
  readonly name: string;
  /** 32 hexadecimal digits; another one after the topic was deleted and made again. */
  readonly id: string;
  /** The leader's id of each partition; -1 while it has none. */
  readonly leaders: readonly number[];
}

export interface MetadataAnswer {
  readonly brokers: ReadonlyMap<number, Address>;
  readonly topics: readonly TopicMetadata[];
  /** Topics that could not be told of, with the protocol's name of the error. */
  readonly failed: ReadonlyMap<string, string>;
}

const NO_ID = '0'.repeat(32);

export const METADATA: Api<readonly string[], MetadataAnswer> = {
  key: 3,
  name: 'Metadata',
  min: 10,
  max: 12,
  write(writer, topics, version) {
    writer.list(topics, (topic) => writer.uuid(NO_ID).text(topic).tags());
    // Never creates a topic by asking for it.
    writer.bool(false);
    if (version <= 10) writer.bool(false);
    writer.bool(false).tags();
  },
  read(reader, version) {
    reader.int32();
    const brokers = new Map(reader.list(() => readBroker(reader)));
    reader.textOrNull();
    reader.int32();
    const failed = new Map<string, string>();
    const topics: TopicMetadata[] = [];
    reader.list(() => {
      const code = reader.int16();
      const topic = readTopic(reader);
      if (code === 0) topics.push(topic);
      else failed.set(topic.name, errorName(code));
    });
    if (version <= 10) reader.int32();
    reader.tags();
    return { brokers, topics, failed };
  },
};

function readBroker(reader: ResponseReader): readonly [number, Address] {
  const id = reader.int32();
  const address = { host: reader.text(), port: reader.int32() };
  reader.textOrNull();
  reader.tags();
  return [id, address];
}

function readTopic(reader: ResponseReader): TopicMetadata {
  const name = reader.text();
  const id = reader.uuid();
  reader.bool();
  const leaders: number[] = [];
  reader.list(() => {
    reader.int16();
    const partition = reader.int32();
    leaders[partition] = reader.int32();
    reader.int32();
    for (let lists = 0; lists < 3; lists++) reader.list(() => reader.int32());
    reader.tags();
  });
  for (let partition = 0; partition < leaders.length; partition++) leaders[partition] ??= -1;
  reader.int32();
  reader.tags();
  return { name, id, leaders };
}
