/**
 * The frames of `frames.ts` as Avro, for the sub-protocol `carillon.v1+avro`: each frame is one
 * value of one of these unions, without a header. A new kind of frame goes to the end of its union,
 * so that the numbers of the others stay.
 *
 * The same frames: `type` is the branch, and the event of a notification (`value`) is its JSON
 * text, as the schemas of events are no device's business.
 */
const optional = (type: unknown) => ({ type: ['null', type], default: null });
const list = (items: unknown) => ({ type: 'array', items });
type Fields = { readonly [name: string]: unknown };

function record(name: string, doc: string, fields: Fields): FrameRecord {
  return {
    type: 'record',
    name,
    namespace: 'carillon.frames',
    doc,
    fields: Object.entries(fields).map(([field, type]) => {
      const of = typeof type === 'object' && type !== null && 'default' in type ? type : { type };
      return { name: field, ...of };
    }),
  };
}

export interface FrameRecord {
  readonly type: 'record';
  readonly name: string;
  readonly namespace: string;
  readonly doc: string;
  readonly fields: readonly { readonly name: string }[];
}

const SKIPPED = record('Skipped', 'A number that will not come.', {
  priority: 'string',
  sequence: 'long',
  id: 'string',
  reason: 'string',
});

/** By the `type` of a frame, in the order of the union. */
export const SERVER_FRAME_SCHEMAS = {
  welcome: record('Welcome', 'The first frame; what its cursor does not cover follows.', {
    connectionId: 'string',
    deviceId: 'string',
    epoch: 'long',
    heartbeatMs: 'long',
    cursor: 'string',
  }),
  notification: record('Notification', 'Something to tell.', {
    id: 'string',
    sequence: 'long',
    previous: 'long',
    priority: 'string',
    useCase: 'string',
    count: 'long',
    born: 'long',
    deadline: 'long',
    value: 'string',
    cursor: 'string',
    skipped: optional(list(SKIPPED)),
  }),
  skipped: record('SkippedFrame', 'Numbers that will not come, when nothing follows.', {
    skipped: list('Skipped'),
    cursor: 'string',
  }),
  pong: record('Pong', 'To a ping.', {}),
  'going-away': record('GoingAway', 'Come back after so long.', { afterMs: 'long' }),
  unacknowledged: record('Unacknowledged', 'What of an ack was not taken.', {
    reason: 'string',
    ids: optional(list('string')),
    asked: optional('string'),
  }),
  reported: record('Reported', 'The log has a report, or, with a code, has it not.', {
    eventId: 'string',
    code: optional('string'),
    what: optional('string'),
  }),
} as const;

export const CLIENT_FRAME_SCHEMAS = {
  authenticate: record('Authenticate', 'The first frame of who came without a token.', {
    token: 'string',
    after: optional('string'),
  }),
  ack: record('Ack', 'Notifications by id, or all that a cursor covers.', {
    ids: optional(list('string')),
    cursor: optional('string'),
  }),
  ping: record('Ping', 'Is anybody there?', {}),
  report: record('Report', 'What came of something.', {
    eventId: 'string',
    kind: 'string',
    notificationId: optional('string'),
    succeeded: optional('boolean'),
    details: optional({ type: 'map', values: 'string' }),
  }),
} as const;
