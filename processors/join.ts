import { anyTable } from '../core/more-options.ts';
import { optionalPath, TEXT } from '../core/path-options.ts';
import { defineExpand, oneOf, text } from '../core/spec.ts';
import { dropped, PASSED } from '../core/verdict.ts';

const NULL_KEY = dropped('null_key');
const NO_MATCH = dropped('no_match');

type Value = { readonly [field: string]: unknown };

/** An event and the row of its key: Kafka Streams' stream-table join. */
export const join = defineExpand({
  type: 'join',
  summary: 'Add the row of a table to each record.',
  description: [
    'The value gets one field more, `as`, which holds the row as the schema of the table has it; what',
    'follows is checked against that. Key, time, id, priority, deadline and headers stay those of the',
    'event. Only events go on: a change of the table alone sends nothing. The table is one that is',
    'declared under `tables`, keyed as the stream is, with as many partitions: event and row lie in the',
    'same task, which takes the records of both in the order of their times, of equal times the row',
    'first. So an event meets the row as it was then, also when both topics are read from their starts,',
    'and after a restart the same one: the rows are state of the task, with a changelog of its own. A',
    'row that was written later with an earlier time takes the place of the one before, as in Kafka',
    'Streams. A tombstone deletes the row. A row without a key, and one that cannot be read, is a dead',
    'letter (CAR503), and the row before it stays. Of a table with `whole: true` each process holds all rows:',
    'it is joined by any field, and its changes apply as they come, in no order with the events.',
  ].join(' '),
  config: {
    table: anyTable('The table.'),
    by: optionalPath(
      'Where the key of the row is; the key of the record when it is left out.',
      TEXT,
    ),
    type: oneOf(
      'What becomes of a record without a row.',
      {
        inner: 'It is dropped as `no_match`; with a null key as `null_key`.',
        left: 'It goes on with null in the place of the row.',
      },
      'inner',
    ),
    as: text('The field that holds the row.'),
  },
  drops: {
    no_match: 'The table has no row of its key, and the join is `inner`.',
    null_key: 'The field that `by` names is null or absent, and the join is `inner`.',
  },
  counts: { unmatched: 'Records that went on without a row.' },
  oneForOne: true,
  gives: { kind: 'joined', by: 'by', row: 'table', as: 'as', type: 'type' },
  example: '- join: { table: members, by: value.memberId, type: left, as: wishes }',
  open({ table: name, by, type, as }, context) {
    const rows = context.table(name);
    return (record, emit) => {
      const key = by === null ? record.key : by.read(record);
      const row = typeof key === 'string' ? rows.get(key) : undefined;
      if (row === undefined && type === 'inner') {
        return key === null || key === undefined ? NULL_KEY : NO_MATCH;
      }
      if (row === undefined) context.count('unmatched');
      const value: Value = record.value;
      emit(record).value = { ...value, [as]: row ?? null };
      return PASSED;
    };
  },
});
