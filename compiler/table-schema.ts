/** The part of the JSON Schema that is about tables. */
import { closed, named, text } from './json-forms.ts';

const MADE_FROM = closed(
  'The two tables that it is made of; its rows are written to its topic.',
  {
    table: named('The left one, whose keys its rows have.'),
    join: named('The right one.'),
    by: text('The field of left rows that names the right one; without it both have one key.'),
    type: {
      enum: ['inner', 'left', 'outer'],
      default: 'inner',
      description: 'Which rows there are: of both, of the left one, or of either.',
    },
    as: text('The field that holds the right row.'),
    own_as: text('The field that holds the left row; without it its fields stand alone.'),
  },
  ['table', 'join', 'as'],
);

export const TABLE = closed(
  'A compacted topic, held as keyed state.',
  {
    id: named('Of one that is made of others: outlives the name; its state is kept by it.'),
    from: MADE_FROM,
    topic: text('The topic.'),
    schema: text("The record name of its values' schema."),
    key: text('The field of the value that the key repeats.'),
    whole: {
      type: 'boolean',
      description: 'True: every process holds all of its rows, so that it is joined by any field.',
    },
  },
  ['topic', 'schema', 'key'],
);
