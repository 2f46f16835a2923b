/**
 * The inbox in the embedded file. Rows are written inside the log's open transaction, so that an
 * inbox row, the offset of the lane record that it came from, and what the streams did before are
 * committed together. Reading goes over a read-only connection and sees what is committed; it may
 * be done in another thread (`openInboxReader`), beside the writer.
 */
import { join } from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { mergedText } from '../../core/cursor.ts';
import { CarillonError } from '../../core/error.ts';
import type { InboxRow, InboxStore } from '../../core/inbox.ts';
import type { DeviceNotification } from '../../core/notification.ts';
import { delivered, type Outcome } from '../../core/outcome.ts';
import { type Priorities, RENO_PRIORITIES } from '../../core/priority.ts';
import { DATABASE_FILE } from './database.ts';
import { encodeBody, InboxRows, keyOf } from './inbox-rows.ts';
import { InboxUpkeep } from './inbox-upkeep.ts';
import type { EmbeddedLog } from './log.ts';

const ROWS_PER_STATEMENT = 16;

export type InboxReader = Pick<InboxStore, 'read' | 'acknowledged' | 'probe' | 'close'>;

/** Opens the inbox on the log's file. It is closed before the log. */
export function openEmbeddedInbox(
  log: EmbeddedLog,
  priorities: Priorities = RENO_PRIORITIES,
): InboxStore {
  return new EmbeddedInbox(log, priorities);
}

/**
 * Opens the inbox for reading, in any thread of the process that has the log open. Throws CAR603
 * when there is no file yet.
 */
export function openInboxReader(
  dir: string,
  priorities: Priorities = RENO_PRIORITIES,
): InboxReader {
  const file = join(dir, DATABASE_FILE);
  let db: DatabaseSync;
  try {
    db = new DatabaseSync(file, { readOnly: true });
    db.exec('PRAGMA busy_timeout = 2000; PRAGMA cache_size = -8192');
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new CarillonError('CAR603', `The file ${file} cannot be read: ${why}.`, {
      where: { file },
      cause,
    });
  }
  const rows = new InboxRows(db, priorities);
  let open = true;
  return {
    read: async (deviceId, epoch, marks, limit) => rows.read(deviceId, epoch, marks, limit),
    acknowledged: async (deviceId, epoch) => rows.acknowledged(deviceId, epoch),
    async probe() {
      db.prepare('SELECT 1').get();
    },
    async close() {
      if (open) db.close();
      open = false;
    },
  };
}

class EmbeddedInbox implements InboxStore {
  readonly priorities: Priorities;
  readonly #log: EmbeddedLog;
  readonly #reader: InboxReader;
  /** On the writing connection, which sees what is not committed yet. */
  readonly #written: InboxRows;
  readonly #insert: StatementSync;
  readonly #insertMany: StatementSync;
  readonly #acknowledge: StatementSync;
  readonly #upkeep: InboxUpkeep;
  readonly #stopUpkeep: () => void;
  /** Numbers go up and never come again: a key may outlive its row for a while. */
  #lastId: number;

  constructor(log: EmbeddedLog, priorities: Priorities) {
    this.#log = log;
    this.priorities = priorities;
    this.#reader = openInboxReader(log.dir, priorities);
    const db = log.connection;
    this.#written = new InboxRows(db, priorities);
    const insert = (rows: number) =>
      db.prepare(
        `INSERT INTO inbox(id, key, expires_at, body) VALUES ${new Array(rows).fill('(?, ?, ?, ?)').join(', ')}`,
      );
    this.#insert = insert(1);
    this.#insertMany = insert(ROWS_PER_STATEMENT);
    // A cursor of an older epoch is void (rule D4), so one row a device is enough.
    this.#acknowledge = db.prepare(
      'INSERT INTO inbox_cursors(device, epoch, cursor) VALUES (?, ?, ?) ON CONFLICT(device) ' +
        'DO UPDATE SET epoch = excluded.epoch, cursor = excluded.cursor ' +
        'WHERE excluded.epoch >= inbox_cursors.epoch',
    );
    this.#upkeep = new InboxUpkeep(db);
    this.#lastId = this.#upkeep.lastId;
    this.#stopUpkeep = log.addChore(this.#upkeep);
  }

  /** Resolves at once: the rows are in the open transaction, with whatever else is in it. */
  async write(rows: readonly InboxRow[]): Promise<readonly Outcome[]> {
    try {
      this.#log.write(rows.length, () => this.#writeRows(rows));
    } catch (error) {
      const why = error instanceof CarillonError ? error.what : String(error);
      return rows.map(() => ({ kind: 'retry', scope: 'lane', why }) as const);
    }
    return rows.map(() => delivered());
  }

  read(
    deviceId: string,
    epoch: number,
    marks: readonly number[],
    limit: number,
  ): Promise<readonly DeviceNotification[]> {
    return this.#reader.read(deviceId, epoch, marks, limit);
  }

  acknowledged(deviceId: string, epoch: number): Promise<string | null> {
    return this.#reader.acknowledged(deviceId, epoch);
  }

  /** Resolves when it is committed. */
  async acknowledge(deviceId: string, epoch: number, cursor: string): Promise<void> {
    // Read and written in one turn of the one thread that writes.
    this.#log.write(1, () => {
      const stored = this.#written.acknowledged(deviceId, epoch);
      this.#acknowledge.run(deviceId, epoch, mergedText(stored, cursor, this.priorities));
    });
    await this.#log.committed();
  }

  probe(): Promise<void> {
    return this.#log.probe();
  }

  close(): Promise<void> {
    this.#stopUpkeep();
    return this.#reader.close();
  }

  #writeRows(rows: readonly InboxRow[]): void {
    this.#upkeep.written += rows.length;
    let at = 0;
    for (; at + ROWS_PER_STATEMENT <= rows.length; at += ROWS_PER_STATEMENT) {
      const parameters: (Buffer | number)[] = [];
      for (let i = at; i < at + ROWS_PER_STATEMENT; i++) {
        const { notification, expiresAt } = rows[i]!;
        parameters.push(
          ++this.#lastId,
          keyOf(notification, this.priorities),
          expiresAt,
          encodeBody(notification),
        );
      }
      this.#insertMany.run(...parameters);
    }
    for (; at < rows.length; at++) {
      const { notification, expiresAt } = rows[at]!;
      this.#insert.run(
        ++this.#lastId,
        keyOf(notification, this.priorities),
        expiresAt,
        encodeBody(notification),
      );
    }
  }
}
