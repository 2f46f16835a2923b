/**
 * Follows a compacted topic and hands over its rows, decoded, in order. Rows that do not decode are
 * passed over and counted; a registry that is away is waited for.
 */
import type { Log } from '../core/log.ts';
import type { Record } from '../core/record.ts';
import { isUndecodable, type Schemas, schemaIdOf } from '../core/schema.ts';
import { type LogLine, noLog } from './problem.ts';

const RETRY_MS = 500;

export interface TableFollower {
  /** Rows that no schema reads. */
  readonly unreadable: number;
  close(): Promise<void>;
}

/** Resolves when all rows that the table had at the call have been applied. */
export async function followTable<Row>(
  log: Log,
  schemas: Schemas,
  options: { readonly topic: string; readonly schema: string; readonly log?: LogLine },
  apply: (key: string, row: Row | null) => void,
): Promise<TableFollower> {
  const say = options.log ?? noLog;
  let unreadable = 0;
  let closed = false;
  let tail: Promise<void> = Promise.resolve();

  const applyOne = async (record: Record): Promise<void> => {
    if (record.key === null) return;
    if (record.isTombstone) return apply(record.key, null);
    const bytes = record.valueBytes!;
    const id = schemaIdOf(bytes, 0, bytes.length);
    let decoder = schemas.decoder(id, { schema: options.schema });
    while (decoder === undefined && !closed) {
      try {
        await schemas.load(id);
      } catch (error) {
        say('A schema cannot be loaded; the table waits.', { topic: options.topic, id, error });
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      }
      decoder = schemas.decoder(id, { schema: options.schema });
    }
    if (decoder === undefined) return;
    try {
      if (isUndecodable(decoder)) throw new Error(decoder.why);
      apply(record.key, decoder.decode(bytes, 0, bytes.length) as Row);
    } catch (error) {
      unreadable++;
      say('A row of a table cannot be read.', {
        topic: options.topic,
        offset: record.offset,
        error,
      });
    }
  };

  const follower = await log.follow(options.topic, (records) => {
    tail = tail.then(async () => {
      for (const record of records) await applyOne(record);
    });
  });
  await tail;
  return {
    get unreadable() {
      return unreadable;
    },
    async close() {
      closed = true;
      await follower.close();
      await tail;
    },
  };
}
