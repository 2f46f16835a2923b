/** What devices ask, and what a backend asks for them. */
import type { Operation } from './operation.ts';
import { refTo } from './shapes.ts';

const JSON_TYPE = 'application/json';
const CURSOR = { type: 'string' } as const;

export const REGISTER: Operation = {
  id: 'registerDevice',
  method: 'put',
  path: '/v1/devices/:deviceId',
  tag: 'devices',
  summary: 'Register a device, or say anew what it is.',
  doc: "A device's own token must name its member in the claim `member`.",
  token: ['registrar'],
  query: {},
  body: { type: JSON_TYPE, schema: refTo('Registration') },
  answers: {
    202: {
      doc: 'It is in the log; the device is known a moment later.',
      body: { type: JSON_TYPE, schema: refTo('Registered') },
    },
  },
  errors: ['CAR711', 'CAR712', 'CAR727'],
};

export const UNREGISTER: Operation = {
  id: 'deleteDevice',
  method: 'delete',
  path: '/v1/devices/:deviceId',
  tag: 'devices',
  summary: 'Delete a device: its tokens are void from then on.',
  token: ['registrar'],
  query: {},
  answers: {
    202: {
      doc: 'It is in the log.',
      body: { type: JSON_TYPE, schema: refTo('Registered') },
    },
  },
  errors: ['CAR711', 'CAR712', 'CAR727'],
};

export const PULL: Operation = {
  id: 'pullNotifications',
  method: 'get',
  path: '/v1/devices/:deviceId/notifications',
  tag: 'devices',
  summary: "A page of the device's inbox.",
  token: [],
  query: {
    after: {
      doc: 'The cursor of the last page or frame; without it what is not acknowledged.',
      schema: CURSOR,
    },
    limit: {
      doc: 'Rows of the page.',
      schema: { type: 'integer', minimum: 1, maximum: 500, default: 100 },
    },
    wait: {
      doc: 'Seconds to wait for something when there is nothing; the device counts as connected.',
      schema: { type: 'integer', minimum: 0, maximum: 30, default: 0 },
    },
  },
  answers: {
    200: { doc: 'A page, be it empty.', body: { type: JSON_TYPE, schema: refTo('Page') } },
  },
  errors: ['CAR713', 'CAR714', 'CAR715', 'CAR716', 'CAR727', 'CAR740'],
};

export const ACKNOWLEDGE: Operation = {
  id: 'acknowledge',
  method: 'post',
  path: '/v1/devices/:deviceId/acknowledgements',
  tag: 'devices',
  summary: 'Say that all that a cursor covers has arrived.',
  token: [],
  query: {},
  body: { type: JSON_TYPE, schema: refTo('Acknowledgement') },
  answers: {
    200: {
      doc: 'Some of it was not taken.',
      body: { type: JSON_TYPE, schema: refTo('Unacknowledged') },
    },
    204: { doc: 'All of it was taken.' },
  },
  errors: ['CAR713', 'CAR714', 'CAR715', 'CAR727'],
};

export const REPORT: Operation = {
  id: 'report',
  method: 'post',
  path: '/v1/devices/:deviceId/reports',
  tag: 'devices',
  summary: 'A device answers a notification, or tells how it is.',
  doc: 'Only the device itself reports, whatever else a token may do.',
  token: [],
  query: {},
  body: { type: JSON_TYPE, schema: refTo('Report') },
  answers: {
    202: { doc: 'It is in the log.', body: { type: JSON_TYPE, schema: refTo('Reported') } },
  },
  errors: ['CAR711', 'CAR712', 'CAR713', 'CAR727'],
};

export const STREAM: Operation = {
  id: 'stream',
  method: 'get',
  path: '/v1/stream',
  tag: 'devices',
  summary: 'The stream of a device: a WebSocket, or server-sent events.',
  doc:
    'With `Upgrade: websocket` it is a WebSocket of sub-protocol `carillon.v1`; with ' +
    '`Accept: text/event-stream` the same frames come as events. docs/guides/devices.md has both.',
  token: [],
  query: {
    after: { doc: 'The cursor to go on from.', schema: CURSOR },
    access_token: {
      doc: 'The token, for who cannot send the header Authorization.',
      schema: { type: 'string' },
    },
  },
  headers: {
    'Last-Event-ID': { doc: 'The cursor, as an EventSource sends it.', schema: CURSOR },
  },
  answers: {
    101: { doc: 'It is a WebSocket now.' },
    200: {
      doc: 'Frames as events, until one of the two ends it.',
      body: { type: 'text/event-stream', schema: { type: 'string' } },
    },
  },
  errors: ['CAR705', 'CAR713', 'CAR714', 'CAR716', 'CAR724', 'CAR727'],
};
