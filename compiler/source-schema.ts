/** The part of the JSON Schema that is about where a stream begins. */
import { closed, durationOf, type Json, listOf, path, text } from './json-forms.ts';
import { MISSED } from './plan.ts';

const STREAMS = closed(
  'Other streams, whose records it goes on with.',
  {
    streams: {
      ...listOf('Streams, or branches of them: flights.urgent.', { type: 'string' }),
      minItems: 1,
      uniqueItems: true,
    },
  },
  ['streams'],
);

const FROM = closed(
  'Where its events come from.',
  {
    topic: text('The topic.'),
    schema: text("The record name of its events' schema."),
    time: path('The event time, in epoch milliseconds; else that of the record.'),
    id: path("The event's id; else topic, partition and offset."),
    key: path('What the key repeats, value.memberId if the schema has it; checked.'),
    max_future: durationOf(
      'An event further in the future goes to the dead letters; at most 30m.',
      '10m',
    ),
    start: {
      description: 'Where it begins when it is first applied: at the end of its topic by default.',
      anyOf: [{ enum: ['latest', 'earliest'] }, durationOf('Events of so long before.')],
    },
  },
  ['topic', 'schema'],
);

const CLOCK = closed(
  'A clock, whose ticks it reads: one at each planned time, in each partition.',
  {
    clock: closed(
      'When it ticks.',
      {
        cron: text('Minute, hour, day of month, month, day of week: 0 8 * * MON-FRI.'),
        zone: { ...text('The time zone in which they are meant: Europe/Berlin.'), default: 'UTC' },
        missed: {
          enum: MISSED,
          default: MISSED[0],
          description:
            'Which planned times are told that lay in a downtime: the last one, each, or none.',
        },
      },
      ['cron'],
    ),
  },
  ['clock'],
);

/** `from:` of a stream. */
export const SOURCE: Json = {
  anyOf: [FROM, STREAMS, CLOCK],
  description: 'A topic, other streams, or a clock.',
};
