/**
 * The event inside a notification, as expressions see it: `value.payload.memberId`. In the lane it
 * is bytes with the id of their schema beside them; who reads the record has it decoded when it is
 * asked for (`core/notification.ts`).
 */
import { eventOf } from '../core/notification.ts';
import { ANY_SHAPE, type RecordShape, type Shape } from './shape.ts';

const NOTIFICATION = 'DeviceNotification';
const EVENT_FIELD = 'payload';

/** Made once for a shape, as typed environments are kept by it. */
const seen = new WeakMap<RecordShape, RecordShape>();

/**
 * With the event of a notification in place of its bytes; of which schema, only the record says.
 */
export function withEventShape(shape: Shape): Shape {
  if (shape.kind !== 'record' || shape.name !== NOTIFICATION) return shape;
  if (shape.fields.get(EVENT_FIELD)?.kind !== 'bytes') return shape;
  let shown = seen.get(shape);
  if (shown === undefined) {
    shown = { ...shape, fields: new Map([...shape.fields, [EVENT_FIELD, ANY_SHAPE]]) };
    seen.set(shape, shown);
  }
  return shown;
}

/** `fields`: those that an expression reads, `*` for all. */
export function readsEvent(shape: Shape, fields: ReadonlySet<string>): boolean {
  return withEventShape(shape) !== shape && (fields.has(EVENT_FIELD) || fields.has('*'));
}

/** The value, with its event in place of the bytes. */
export function withEvent(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  return Object.create(value, { [EVENT_FIELD]: { get: () => eventOf(value) } });
}
