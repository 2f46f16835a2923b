/** Forms of JSON that several answers have: the `components` of the OpenAPI document. */
import { TRANSPORTS } from '../../core/device.ts';
import { PRIORITY_NAME, RENO_PRIORITIES } from '../../core/priority.ts';
import { RENO_WORDS, type Words } from '../../core/words.ts';
import type { JsonSchema } from './operation.ts';

const text = (doc: string): JsonSchema => ({ type: 'string', description: doc });
const whole = (doc: string): JsonSchema => ({ type: 'integer', minimum: 0, description: doc });
const listOf = (items: JsonSchema): JsonSchema => ({ type: 'array', items });

/** All fields are there, but those that end in `?`; no others. */
export function objectOf(fields: { readonly [name: string]: JsonSchema }, doc = ''): JsonSchema {
  const names = Object.keys(fields);
  const properties = Object.fromEntries(
    Object.entries(fields).map(([name, schema]) => [name.replace('?', ''), schema]),
  );
  return {
    type: 'object',
    ...(doc === '' ? {} : { description: doc }),
    properties,
    required: names.filter((name) => !name.endsWith('?')),
    additionalProperties: false,
  };
}

export const refTo = (name: keyof typeof SHAPES): JsonSchema => ({
  $ref: `#/components/schemas/${name}`,
});

const PRIORITY: JsonSchema = {
  type: 'string',
  pattern: PRIORITY_NAME.source,
  examples: RENO_PRIORITIES.names,
  description: 'One of those of the topology.',
};
const EVENT: JsonSchema = {
  type: 'object',
  description: "JSON by the Avro schema of the event's topic; the gateway serves it at /subjects.",
};
const PLACE = {
  partition: whole('The partition of the topic.'),
  offset: whole('Its number in the partition.'),
};

/** By the words of a topology. */
export function registrationShape({ fields, deviceClasses }: Words): JsonSchema {
  return objectOf(
    {
      [fields.member]: { type: 'string', minLength: 1, maxLength: 128 },
      class: { enum: deviceClasses.names },
      'platform?': { type: ['string', 'null'], maxLength: 128 },
      'app?': { type: ['string', 'null'], maxLength: 128 },
      'locale?': { type: ['string', 'null'], maxLength: 128, description: 'BCP 47.' },
      'transports?': {
        type: ['array', 'null'],
        maxItems: 8,
        items: { $ref: '#/components/schemas/Transport' },
        description: 'How it is reached, best first.',
      },
    },
    'A device, whole: what is left out is not kept from before.',
  );
}

export const SHAPES = {
  Problem: objectOf(
    {
      code: {
        type: 'string',
        pattern: '^CAR\\d{3}$',
        description: 'Each has a page in docs/errors.',
      },
      slug: text('The code in words.'),
      what: text('What is wrong, of this request.'),
      mend: text('How it is mended.'),
      'problems?': listOf({ $ref: '#/components/schemas/FieldProblem' }),
    },
    'Every answer that is an error. It never holds a value of the request.',
  ),
  FieldProblem: objectOf({
    path: text('A JSON pointer into the body.'),
    what: text('What was expected there.'),
  }),
  Event: EVENT,
  Events: {
    anyOf: [
      { $ref: '#/components/schemas/Event' },
      { ...listOf({ $ref: '#/components/schemas/Event' }), minItems: 1, maxItems: 1_000 },
      objectOf({ records: listOf({ $ref: '#/components/schemas/Event' }) }),
    ],
    description: 'One event, or a batch: an array, or an object with nothing but `records`.',
  },
  Place: objectOf(PLACE),
  Repeated: objectOf({ repeated: { const: true } }, 'It was written before, under the same key.'),
  WrittenEvent: objectOf({
    topic: text('Where it lies.'),
    'partition?': PLACE.partition,
    'offset?': PLACE.offset,
    'repeated?': { const: true, description: 'Instead of the place: it was written before.' },
  }),
  WrittenEvents: objectOf({
    topic: text('Where they lie.'),
    accepted: whole('So many were written.'),
    refused: whole('So many were not (`?partial=true`).'),
    'repeated?': { const: true, description: 'They were written before, under the same key.' },
    records: listOf({
      oneOf: [
        { $ref: '#/components/schemas/Place' },
        { $ref: '#/components/schemas/Repeated' },
        objectOf({ problems: listOf({ $ref: '#/components/schemas/FieldProblem' }) }),
      ],
      description: 'In the order of the request.',
    }),
  }),
  Registration: registrationShape(RENO_WORDS),
  Transport: {
    type: 'object',
    properties: {
      kind: { enum: TRANSPORTS },
      token: { type: ['string', 'null'], maxLength: 4_096, description: 'Of fcm and apns alone.' },
      environment: { enum: ['production', 'sandbox', null], description: 'Of apns alone.' },
    },
    required: ['kind'],
    additionalProperties: false,
  },
  Registered: objectOf({
    deviceId: text('The device.'),
    accepted: { enum: ['REGISTERED', 'DELETED'] },
    ...PLACE,
  }),
  Skipped: objectOf(
    {
      priority: PRIORITY,
      sequence: whole('The number that is no gap.'),
      id: text('Of the notification.'),
      reason: { enum: ['expired', 'withdrawn', 'unreadable'] },
    },
    'A notification that will not come any more.',
  ),
  Notification: objectOf({
    id: text('The same wherever it is told again.'),
    sequence: whole('Dense per priority.'),
    previous: whole("The device's number before it in this lane; not what it has: a gap. 0: none."),
    priority: PRIORITY,
    useCase: text('The id of the use case.'),
    count: whole('How many events it stands for.'),
    born: whole('Event time, epoch milliseconds.'),
    deadline: whole('After it nobody wants it, epoch milliseconds; 0: never.'),
    value: { description: 'The event, as JSON.' },
  }),
  Page: objectOf({
    epoch: whole('Of the registration: numbers are dense per epoch and priority.'),
    notifications: listOf({ $ref: '#/components/schemas/Notification' }),
    skipped: listOf({ $ref: '#/components/schemas/Skipped' }),
    cursor: text('Covers all up to here: ask with it next time.'),
    more: { type: 'boolean', description: 'Ask again at once.' },
  }),
  Acknowledgement: objectOf({ cursor: text('Of a page or a frame: all that it covers is known.') }),
  Unacknowledged: objectOf(
    {
      type: { const: 'unacknowledged' },
      reason: { enum: ['unknown', 'other_epoch', 'other_device', 'not_given', 'inbox_away'] },
      'ids?': listOf({ type: 'string' }),
      'asked?': text('The cursor that was sent.'),
    },
    'What was not taken of an acknowledgement.',
  ),
  Report: objectOf({
    eventId: { type: 'string', minLength: 1, maxLength: 128 },
    kind: { enum: ['ACKNOWLEDGEMENT', 'DIAGNOSTIC', 'RECOVERY'] },
    'notificationId?': { type: ['string', 'null'], maxLength: 128 },
    'succeeded?': { type: 'boolean', default: true },
    'details?': {
      type: ['object', 'null'],
      maxProperties: 32,
      propertyNames: { maxLength: 64 },
      additionalProperties: { type: 'string', maxLength: 1_024 },
    },
  }),
  Reported: objectOf({ eventId: text('As it was sent.'), ...PLACE }),
  Health: {
    type: 'object',
    properties: {
      status: { enum: ['live', 'ready', 'not ready'] },
      parts: {
        type: 'object',
        additionalProperties: { type: 'string' },
        description: 'By name, why each is not ready; on the internal port alone.',
      },
    },
    required: ['status'],
    additionalProperties: false,
  },
  RegistryError: objectOf({ error_code: { type: 'integer' }, message: { type: 'string' } }),
} as const satisfies { readonly [name: string]: JsonSchema };
