/** What one device shall get: the value of a lane record, schema `DeviceNotification`. */
export interface DeviceNotification {
  /** A UUID derived from (event id, use case id, device id): the same at every repeat (rule D1). */
  readonly id: string;
  readonly deviceId: string;
  readonly epoch: number;
  /** Dense per (device, epoch, priority), from 1 (rule D3). */
  readonly sequence: number;
  /** The device's preceding number in this lane (priority and transport); 0: none. */
  readonly previous: number;
  readonly useCase: string;
  /** A name of the topology's. */
  readonly priority: string;
  /** Epoch ms after which nobody wants it; 0: never. */
  readonly deadline: number;
  /** Notifications of one key replace each other at the providers; null: they do not. */
  readonly collapseKey: string | null;
  /** How many events it stands for. */
  readonly count: number;
  /** Event time, epoch ms: the age at delivery is counted from here. */
  readonly born: number;
  /** The event's Avro body, without header, and the id of the schema that it was written with. */
  readonly payloadSchemaId: number;
  readonly payload: Buffer;
}

/** Where a decoded notification has its event; a symbol, as its fields are those of the schema. */
const EVENT = Symbol('event');

/** Gives a decoded notification its event, decoded when somebody asks; `decode` may throw. */
export function setEvent(notification: object, decode: () => unknown): void {
  let event: { readonly of: unknown } | undefined;
  const get = () => {
    event ??= { of: decode() };
    return event.of;
  };
  Object.defineProperty(notification, EVENT, { get, configurable: true });
}

/** The event; where nobody has given one it stands in its place already, as tools decode it. */
export function eventOf(notification: object): unknown {
  const { [EVENT]: event, payload } = notification as { [EVENT]?: unknown; payload?: unknown };
  return event === undefined ? payload : event;
}
