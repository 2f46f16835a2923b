/**
 * The stream as an AsyncAPI 3.0 document: its frames in both directions, and the codes with which
 * it is closed. The forms that HTTP has too are those of the OpenAPI document.
 */
import { CURSOR_TEXT_CHARS_MAX } from '../../core/cursor.ts';
import { CLIENT_FRAME_SCHEMAS, SERVER_FRAME_SCHEMAS } from '../../schemas/frame-schemas.ts';
import type { ClientFrame, ServerFrame } from '../../schemas/frames.ts';
import { CLOSE_CODES, mayReconnect } from '../close-codes.ts';
import { AVRO_SUBPROTOCOL, SUBPROTOCOL } from '../handshake.ts';
import { GATEWAY_LIMITS } from '../limits.ts';
import type { JsonSchema } from './operation.ts';
import { objectOf, SHAPES } from './shapes.ts';

type Fields = { readonly [name: string]: JsonSchema };
type FrameSchemas<F extends { readonly type: string }> = {
  readonly [type in F['type']]: JsonSchema;
};

const CURSOR: JsonSchema = {
  type: 'string',
  maxLength: CURSOR_TEXT_CHARS_MAX,
  description: 'Keep it, and come back with it.',
};
const whole = (description: string): JsonSchema => ({ type: 'integer', minimum: 0, description });
const text = (description: string): JsonSchema => ({ type: 'string', description });

/** As the frame of a type has the fields of a form. */
function frame(type: string, fields: Fields, doc: string, form?: JsonSchema): JsonSchema {
  const { properties = {}, required = [] } = (form ?? {}) as {
    readonly properties?: Fields;
    readonly required?: readonly string[];
  };
  const own = objectOf({ type: { const: type }, ...fields }, doc) as {
    readonly properties: Fields;
    readonly required: readonly string[];
  };
  return {
    ...own,
    properties: { ...own.properties, ...properties },
    required: [...new Set([...own.required, ...required])],
  };
}

const SKIPPED: JsonSchema = { type: 'array', items: SHAPES.Skipped };

export const SERVER_FRAMES: FrameSchemas<ServerFrame> = {
  welcome: frame(
    'welcome',
    {
      connectionId: text('Of this connection.'),
      deviceId: text('Whose it is.'),
      epoch: whole("Of the device's registration."),
      heartbeatMs: whole('The gateway pings so often.'),
      cursor: CURSOR,
    },
    'The first frame; what its cursor does not cover follows.',
  ),
  notification: frame(
    'notification',
    { cursor: CURSOR, 'skipped?': SKIPPED },
    'Something to tell.',
    SHAPES.Notification,
  ),
  skipped: frame(
    'skipped',
    { skipped: SKIPPED, cursor: CURSOR },
    'Numbers that will not come, when no notification follows to carry them.',
  ),
  pong: frame('pong', {}, 'To a ping.'),
  unacknowledged: SHAPES.Unacknowledged,
  reported: frame(
    'reported',
    {
      eventId: text('As it was sent; empty: it had none.'),
      'code?': { type: 'string', pattern: '^CAR\\d{3}$', description: 'It was not taken.' },
      'what?': text('Why.'),
    },
    'The log has a report, or, with a code, has it not.',
  ),
  'going-away': frame(
    'going-away',
    { afterMs: whole('Come back after so long.') },
    'Close when it suits you.',
  ),
};

const IDS: JsonSchema = {
  type: 'array',
  items: { type: 'string' },
  maxItems: GATEWAY_LIMITS.ackIdsMax,
};

export const CLIENT_FRAMES: FrameSchemas<ClientFrame> = {
  authenticate: frame(
    'authenticate',
    { token: text('A JWT.'), 'after?': { type: ['string', 'null'], description: 'A cursor.' } },
    'The first frame of who came without a token; nothing may follow before the welcome.',
  ),
  ack: {
    oneOf: [
      frame('ack', { cursor: CURSOR }, 'All that it covers.'),
      frame('ack', { ids: IDS }, 'Notifications, also of earlier connections.'),
    ],
  },
  ping: frame('ping', {}, 'Is anybody there?'),
  report: frame('report', {}, 'What came of something; 16 KiB at most.', SHAPES.Report),
};

/** @param version that of Carillon */
export function asyncApiOf(version: string): JsonSchema {
  const messages = (of: { readonly [type: string]: JsonSchema }) =>
    Object.entries(of).map(([type, payload]) => [type, { name: type, payload }] as const);
  const channel = '#/channels/stream';
  const refs = (of: { readonly [type: string]: JsonSchema }) =>
    Object.keys(of).map((type) => ({ $ref: `${channel}/messages/${type}` }));
  return {
    asyncapi: '3.0.0',
    info: {
      title: 'Carillon, the stream of a device',
      version,
      description: `Frames over a WebSocket, ${GATEWAY_LIMITS.frameBytesMax} bytes at most from a device: JSON text (sub-protocol ${SUBPROTOCOL}), or the same as Avro in binary messages (${AVRO_SUBPROTOCOL}; x-avro-frames). Server-sent events have the same frames, without the way back.`,
    },
    defaultContentType: 'application/json',
    channels: {
      stream: {
        address: '/v1/stream',
        messages: Object.fromEntries([...messages(SERVER_FRAMES), ...messages(CLIENT_FRAMES)]),
        bindings: {
          ws: {
            method: 'GET',
            query: { type: 'object', properties: { after: CURSOR } },
          },
        },
        'x-avro-frames': {
          subprotocol: AVRO_SUBPROTOCOL,
          server: Object.values(SERVER_FRAME_SCHEMAS),
          client: Object.values(CLIENT_FRAME_SCHEMAS),
        },
        'x-close-codes': Object.values(CLOSE_CODES).map(({ code, reason, what }) => ({
          code,
          reason,
          reconnect: mayReconnect(code),
          what,
        })),
      },
    },
    operations: {
      tell: { action: 'send', channel: { $ref: channel }, messages: refs(SERVER_FRAMES) },
      hear: { action: 'receive', channel: { $ref: channel }, messages: refs(CLIENT_FRAMES) },
    },
  };
}
