/** How a row of the inbox lies in the file, and how it is read. */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { ByteReader, ByteWriter } from '../../core/bytes.ts';
import type { DeviceNotification } from '../../core/notification.ts';
import { PRIORITIES, type PriorityName, priorityOf } from '../../core/priority.ts';
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

export function keyOf(notification: DeviceNotification): Buffer {
  const { deviceId, epoch, priority, sequence } = notification;
  return inboxKey(deviceId, epoch, priorityOf(priority)!, sequence);
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
  priority: PriorityName,
  row: { [column: string]: unknown },
): DeviceNotification {
  const key = asBuffer(row.key);
  const reader = new ByteReader(asBuffer(row.body));
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

/** The reading half, on a connection of any thread. */
export class InboxRows {
  readonly #read: StatementSync;
  readonly #cursor: StatementSync;

  constructor(db: DatabaseSync) {
    this.#read = db.prepare(
      'SELECT key, body FROM inbox WHERE key > ? AND key <= ? ORDER BY key LIMIT ?',
    );
    this.#cursor = db.prepare('SELECT epoch, cursor FROM inbox_cursors WHERE device = ?');
  }

  read(
    deviceId: string,
    epoch: number,
    marks: readonly number[],
    limit: number,
  ): DeviceNotification[] {
    const found: DeviceNotification[] = [];
    PRIORITIES.forEach((name, priority) => {
      if (found.length >= limit) return;
      const after = inboxKey(deviceId, epoch, priority, marks[priority] ?? 0);
      const last = inboxKey(deviceId, epoch, priority, 0xffff_ffff);
      for (const row of this.#read.all(after, last, limit - found.length)) {
        found.push(decodeRow(deviceId, epoch, name, row));
      }
    });
    return found;
  }

  acknowledged(deviceId: string, epoch: number): string | null {
    const row = this.#cursor.get(deviceId);
    return row === undefined || Number(row.epoch) !== epoch ? null : String(row.cursor);
  }
}
