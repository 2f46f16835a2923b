/**
 * The inbox in the embedded file. Rows are written inside the log's open transaction, so that an
 * inbox row, the offset of the lane record that it came from, and what the streams did before are
 * committed together. Reading goes over a read-only connection and sees what is committed; it may
 * be done in another thread (`openInboxReader`), beside the writer.
 */
import { join } from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { CarillonError } from '../../core/error.ts';
import type { InboxRow, InboxStore } from '../../core/inbox.ts';
import type { DeviceNotification } from '../../core/notification.ts';
import { delivered, type Outcome } from '../../core/outcome.ts';
import { DATABASE_FILE } from './database.ts';
import { encodeBody, InboxRows, keyOf } from './inbox-rows.ts';
import type { EmbeddedLog } from './log.ts';

const ROWS_PER_STATEMENT = 16;
/** Rows that one sweep looks at, beside twice those that came since the last. */
const SWEEP_ROWS_MIN = 500;

export type InboxReader = Pick<InboxStore, 'read' | 'acknowledged' | 'probe' | 'close'>;

/** Opens the inbox on the log's file. It is closed before the log. */
export function openEmbeddedInbox(log: EmbeddedLog): InboxStore {
  return new EmbeddedInbox(log);
}

/**
 * Opens the inbox for reading, in any thread of the process that has the log open. Throws CAR603
 * when there is no file yet.
 */
export function openInboxReader(dir: string): InboxReader {
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
  const rows = new InboxRows(db);
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
  readonly #log: EmbeddedLog;
  readonly #reader: InboxReader;
  readonly #insert: StatementSync;
  readonly #insertMany: StatementSync;
  readonly #acknowledge: StatementSync;
  readonly #look: StatementSync;
  readonly #remove: StatementSync;
  readonly #stopSweep: () => void;
  /** The sweep goes round and round; it has seen the rows up to this one. */
  #sweptTo = 0;
  #writtenSinceSweep = 0;

  constructor(log: EmbeddedLog) {
    this.#log = log;
    this.#reader = openInboxReader(log.dir);
    const db = log.connection;
    const insert = (rows: number) =>
      db.prepare(
        `INSERT INTO inbox(key, expires_at, body) VALUES ${new Array(rows).fill('(?, ?, ?)').join(', ')} ` +
          'ON CONFLICT(key) DO UPDATE SET expires_at = excluded.expires_at, body = excluded.body',
      );
    this.#insert = insert(1);
    this.#insertMany = insert(ROWS_PER_STATEMENT);
    // A cursor of an older epoch is void (rule D4), so one row a device is enough.
    this.#acknowledge = db.prepare(
      'INSERT INTO inbox_cursors(device, epoch, cursor) VALUES (?, ?, ?) ON CONFLICT(device) ' +
        'DO UPDATE SET epoch = excluded.epoch, cursor = excluded.cursor ' +
        'WHERE excluded.epoch >= inbox_cursors.epoch',
    );
    this.#look = db.prepare('SELECT id, expires_at FROM inbox WHERE id > ? ORDER BY id LIMIT ?');
    this.#remove = db.prepare('DELETE FROM inbox WHERE id = ?');
    this.#stopSweep = log.addSweep((nowMs) => this.#sweep(nowMs));
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
    this.#log.write(1, () => this.#acknowledge.run(deviceId, epoch, cursor));
    await this.#log.committed();
  }

  probe(): Promise<void> {
    return this.#log.probe();
  }

  close(): Promise<void> {
    this.#stopSweep();
    return this.#reader.close();
  }

  #writeRows(rows: readonly InboxRow[]): void {
    this.#writtenSinceSweep += rows.length;
    let at = 0;
    for (; at + ROWS_PER_STATEMENT <= rows.length; at += ROWS_PER_STATEMENT) {
      const parameters: (Buffer | number)[] = [];
      for (let i = at; i < at + ROWS_PER_STATEMENT; i++) {
        const { notification, expiresAt } = rows[i]!;
        parameters.push(keyOf(notification), expiresAt, encodeBody(notification));
      }
      this.#insertMany.run(...parameters);
    }
    for (; at < rows.length; at++) {
      const { notification, expiresAt } = rows[at]!;
      this.#insert.run(keyOf(notification), expiresAt, encodeBody(notification));
    }
  }

  /**
   * Looks at twice as many rows as were written since the last sweep, so the table never grows
   * beyond about twice what has not expired, and removes what has.
   */
  #sweep(nowMs: number): void {
    const limit = SWEEP_ROWS_MIN + 2 * this.#writtenSinceSweep;
    this.#writtenSinceSweep = 0;
    const rows = this.#look.all(this.#sweptTo, limit);
    for (const row of rows) {
      if (Number(row.expires_at) <= nowMs) this.#remove.run(Number(row.id));
    }
    this.#sweptTo = rows.length < limit ? 0 : Number(rows.at(-1)!.id);
  }
}
