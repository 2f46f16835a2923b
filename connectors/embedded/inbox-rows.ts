/** How a row of the inbox lies in the file, and how it is read. */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { ByteReader, ByteWriter } from '../../core/bytes.ts';
import type { DeviceNotification } from '../../core/notification.ts';
import type { Priorities } from '../../core/priority.ts';
import { asBuffer } from './database.ts';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const UUID_BYTES = 16;
/** Room for everything but the payload and unusually long names. */
const BODY_BYTES = 96;

/**
 * Sorts by device, epoch, priority, sequence: length u16 | device | epoch u32 | priority u8 |
 * sequence u32, all big-endian.
 */
export function inboxKey(
  deviceId: string,
  epoch: number,
  priority: number,
  sequence: number,
): Buffer {
  const size = Buffer.byteLength(deviceId, 'utf8');
  const key = Buffer.allocUnsafe(size + 11);
  key.writeUInt16BE(size, 0);
  key.write(deviceId, 2, 'utf8');
  key.writeUInt32BE(epoch, size + 2);
  key[size + 6] = priority;
  key.writeUInt32BE(sequence, size + 7);
  return key;
}

export function keyOf(notification: DeviceNotification, priorities: Priorities): Buffer {
  const { deviceId, epoch, priority, sequence } = notification;
  return inboxKey(deviceId, epoch, priorities.numberOf(priority), sequence);
}

/** All but what the key says. */
export function encodeBody(notification: DeviceNotification): Buffer {
  const { id, payload } = notification;
  const packed = UUID.test(id);
  return new ByteWriter(BODY_BYTES + payload.length)
    .int(packed ? UUID_BYTES : 0)
    .blob(packed ? Buffer.from(id.replaceAll('-', ''), 'hex') : Buffer.from(id, 'utf8'))
    .int(notification.previous)
    .text(notification.useCase)
    .int(notification.deadline)
    .blob(notification.collapseKey === null ? null : Buffer.from(notification.collapseKey, 'utf8'))
    .int(notification.count)
    .int(notification.born)
    .int(notification.payloadSchemaId)
    .blob(payload)
    .done();
}

function decodeRow(
  deviceId: string,
  epoch: number,
  priority: string,
  { key, body }: FoundRow,
): DeviceNotification {
  const reader = new ByteReader(asBuffer(body));
  const packed = reader.int() === UUID_BYTES;
  const idBytes = reader.blob()!;
  return {
    id: packed ? uuidText(idBytes) : idBytes.toString('utf8'),
    deviceId,
    epoch,
    sequence: key.readUInt32BE(key.length - 4),
    previous: reader.int(),
    useCase: reader.text(),
    priority,
    deadline: reader.int(),
    collapseKey: reader.blob()?.toString('utf8') ?? null,
    count: reader.int(),
    born: reader.int(),
    payloadSchemaId: reader.int(),
    payload: reader.blob()!,
  };
}

function uuidText(bytes: Buffer): string {
  const hex = bytes.toString('hex');
  const parts = [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20)];
  return `${parts.join('-')}-${hex.slice(20)}`;
}

interface FoundRow {
  readonly id: number;
  readonly key: Buffer;
  readonly body: unknown;
}

/**
 * The reading half, on a connection of any thread. Rows lie in the order in which they came, and
 * `inbox_keys` sorts them by device up to the row that the mark 'inbox' names; the newer ones are
 * looked up in memory here, where they are noticed at each read.
 */
export class InboxRows {
  readonly #db: DatabaseSync;
  readonly #priorities: Priorities;
  readonly #mark: StatementSync;
  readonly #news: StatementSync;
  readonly #sorted: StatementSync;
  readonly #row: StatementSync;
  readonly #cursor: StatementSync;
  /** By device and epoch (the key's beginning, as latin1), the newer rows. */
  readonly #newer = new Map<string, number[]>();
  /** Rows up to this one are sorted, and not in `#newer`. */
  #sortedTo = 0;
  /** Rows up to this one are in `#newer`. */
  #seenTo = 0;

  constructor(db: DatabaseSync, priorities: Priorities) {
    this.#db = db;
    this.#priorities = priorities;
    this.#mark = db.prepare("SELECT value FROM marks WHERE name = 'inbox'");
    this.#news = db.prepare('SELECT id, key FROM inbox WHERE id > ? ORDER BY id');
    // The join passes by keys whose row is gone already.
    this.#sorted = db.prepare(
      'SELECT inbox.id AS id, inbox_keys.key AS key, body FROM inbox_keys ' +
        'CROSS JOIN inbox ON inbox.id = inbox_keys.row ' +
        'WHERE inbox_keys.key > ? AND inbox_keys.key <= ? ORDER BY inbox_keys.key LIMIT ?',
    );
    this.#row = db.prepare('SELECT id, key, body FROM inbox WHERE id = ?');
    this.#cursor = db.prepare('SELECT epoch, cursor FROM inbox_cursors WHERE device = ?');
  }

  read(
    deviceId: string,
    epoch: number,
    marks: readonly number[],
    limit: number,
  ): DeviceNotification[] {
    // Both halves of what is there are seen as of one moment.
    this.#db.exec('BEGIN');
    try {
      this.#catchUp();
      const newer = this.#newerOf(inboxKey(deviceId, epoch, 0, 0));
      const found: DeviceNotification[] = [];
      this.#priorities.names.forEach((name, priority) => {
        if (found.length >= limit) return;
        const after = inboxKey(deviceId, epoch, priority, marks[priority] ?? 0);
        const last = inboxKey(deviceId, epoch, priority, 0xffff_ffff);
        for (const row of this.#range(after, last, limit - found.length, newer)) {
          found.push(decodeRow(deviceId, epoch, name, row));
        }
      });
      return found;
    } finally {
      this.#db.exec('COMMIT');
    }
  }

  acknowledged(deviceId: string, epoch: number): string | null {
    const row = this.#cursor.get(deviceId);
    return row === undefined || Number(row.epoch) !== epoch ? null : String(row.cursor);
  }

  #catchUp(): void {
    const sortedTo = Number(this.#mark.get()?.value ?? 0);
    if (sortedTo > this.#sortedTo) {
      this.#sortedTo = sortedTo;
      for (const [prefix, ids] of this.#newer) {
        const left = ids.filter((id) => id > sortedTo);
        if (left.length === 0) this.#newer.delete(prefix);
        else if (left.length < ids.length) this.#newer.set(prefix, left);
      }
    }
    this.#seenTo = Math.max(this.#seenTo, sortedTo);
    for (const { id, key } of this.#news.iterate(this.#seenTo)) {
      const prefix = prefixOf(asBuffer(key));
      const ids = this.#newer.get(prefix);
      if (ids === undefined) this.#newer.set(prefix, [Number(id)]);
      else ids.push(Number(id));
      this.#seenTo = Number(id);
    }
  }

  /** The newer rows of a device and epoch; of a key that was written twice the last one. */
  #newerOf(key: Buffer): readonly FoundRow[] {
    const rows = new Map<string, FoundRow>();
    for (const id of this.#newer.get(prefixOf(key)) ?? []) {
      const row = this.#row.get(id);
      if (row !== undefined) rows.set(asBuffer(row.key).toString('latin1'), foundRow(row));
    }
    return [...rows.values()];
  }

  /** Rows with keys in (after, last], in their order; newer ones stand for older ones. */
  #range(after: Buffer, last: Buffer, limit: number, newer: readonly FoundRow[]): FoundRow[] {
    const rows = this.#sorted.all(after, last, limit).map(foundRow);
    const here = newer.filter(({ key }) => {
      return Buffer.compare(key, after) > 0 && Buffer.compare(key, last) <= 0;
    });
    if (here.length === 0) return rows;
    const isReplaced = (old: FoundRow) => here.some(({ key }) => key.equals(old.key));
    return [...rows.filter((old) => !isReplaced(old)), ...here]
      .sort((a, b) => Buffer.compare(a.key, b.key))
      .slice(0, limit);
  }
}

function foundRow(row: { readonly [column: string]: unknown }): FoundRow {
  return { id: Number(row.id), key: asBuffer(row.key), body: row.body };
}

/** Length, device and epoch: what a device's rows of one epoch begin with. */
function prefixOf(key: Buffer): string {
  return key.toString('latin1', 0, key.readUInt16BE(0) + 6);
}
