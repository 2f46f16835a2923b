/** What producers ask. */
import type { Operation } from './operation.ts';
import { refTo } from './shapes.ts';

export const SEND_EVENTS: Operation = {
  id: 'sendEvents',
  method: 'post',
  path: '/v1/events/:type',
  tag: 'producers',
  summary: 'Send events of a type: one, or a batch.',
  doc: 'Answered when they are in the log: all of them, or none.',
  token: ['producer'],
  params: {
    type: {
      doc: "The last part of the topic's name: `plan-change` of `events.plan-change`.",
      schema: { type: 'string', minLength: 1 },
    },
  },
  query: {
    partial: {
      doc: '`true`: of a batch in which some are wrong the others are written (207).',
      schema: { enum: ['true', 'false'] },
    },
    key: {
      doc: "The records' key, for types whose events have none of their own.",
      schema: { type: 'string', minLength: 1, maxLength: 1_024 },
    },
  },
  headers: {
    'Idempotency-Key': {
      doc: 'Of this request: repeated with it within 24 hours, nothing is written again. Best a UUID.',
      schema: { type: 'string', pattern: '^[!-~]([ -~]{0,253}[!-~])?$' },
    },
    'Content-Encoding': {
      doc: 'How the body is packed.',
      schema: { enum: ['gzip', 'deflate', 'br', 'zstd', 'identity'] },
    },
  },
  body: { type: 'application/json', schema: refTo('Events') },
  answers: {
    200: {
      doc: 'They are in the log.',
      body: {
        type: 'application/json',
        schema: { oneOf: [refTo('WrittenEvent'), refTo('WrittenEvents')] },
      },
    },
    207: {
      doc: 'Some are in the log; `records` says which.',
      body: { type: 'application/json', schema: refTo('WrittenEvents') },
    },
  },
  errors: ['CAR706', 'CAR711', 'CAR712', 'CAR744', 'CAR745', 'CAR746', 'CAR747'],
};
