/**
 * How the websocket sink hands lane records to a gateway: `POST /internal/v1/deliver`, both bodies
 * binary, so that a notification's bytes travel as they came in the lane.
 *
 * Request: per record  u8 length of connection id | id (ASCII) | u32 length of value | value (wire
 * format). Response: one byte per record, in order.
 */
export const DELIVERIES_TYPE = 'application/vnd.carillon.deliveries';
export const DELIVER_OUTCOMES_TYPE = 'application/vnd.carillon.outcomes';
export const DELIVER_PATH = '/internal/v1/deliver';
/** Records of one request; the sink's batch is smaller. */
export const DELIVERIES_MAX = 1024;

/**
 * `delivered`: handed to the socket. `offline`: the gateway does not hold that connection. `slow`:
 * the connection's queue is full, it is closed and the inbox keeps the record. `moved`: the record
 * belongs to an older epoch of the device. `ahead`: to a newer one than the gateway knows yet.
 * `expired`: its deadline has passed. `unreadable`: it is no notification.
 */
export const DELIVER_OUTCOMES = [
  'delivered',
  'offline',
  'slow',
  'moved',
  'ahead',
  'expired',
  'unreadable',
] as const;
export type DeliverOutcome = (typeof DELIVER_OUTCOMES)[number];

export interface DeliveryItem {
  readonly connectionId: string;
  readonly value: Buffer;
}

export function encodeDeliveries(items: readonly DeliveryItem[]): Buffer {
  let size = 0;
  for (const { connectionId, value } of items) size += 5 + connectionId.length + value.length;
  const bytes = Buffer.allocUnsafe(size);
  let at = 0;
  for (const { connectionId, value } of items) {
    at = bytes.writeUInt8(connectionId.length, at);
    at += bytes.write(connectionId, at, 'latin1');
    at = bytes.writeUInt32BE(value.length, at);
    at += value.copy(bytes, at);
  }
  return bytes;
}

/** Views on `bytes`. Undefined when the body is not whole or has too many records. */
export function decodeDeliveries(bytes: Buffer): DeliveryItem[] | undefined {
  const items: DeliveryItem[] = [];
  let at = 0;
  while (at < bytes.length) {
    if (items.length === DELIVERIES_MAX) return undefined;
    const idEnd = at + 1 + bytes[at]!;
    if (idEnd + 4 > bytes.length) return undefined;
    const valueAt = idEnd + 4;
    const end = valueAt + bytes.readUInt32BE(idEnd);
    if (end > bytes.length) return undefined;
    const connectionId = bytes.toString('latin1', at + 1, idEnd);
    items.push({ connectionId, value: bytes.subarray(valueAt, end) });
    at = end;
  }
  return items;
}

export function encodeOutcomes(outcomes: readonly DeliverOutcome[]): Buffer {
  const bytes = Buffer.allocUnsafe(outcomes.length);
  for (let i = 0; i < outcomes.length; i++) bytes[i] = DELIVER_OUTCOMES.indexOf(outcomes[i]!);
  return bytes;
}

/** Undefined when there are not `count` known outcomes. */
export function decodeOutcomes(bytes: Buffer, count: number): DeliverOutcome[] | undefined {
  if (bytes.length !== count) return undefined;
  const outcomes: DeliverOutcome[] = [];
  for (const byte of bytes) {
    const outcome = DELIVER_OUTCOMES[byte];
    if (outcome === undefined) return undefined;
    outcomes.push(outcome);
  }
  return outcomes;
}
