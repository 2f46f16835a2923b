import { optionalText } from '../core/more-options.ts';
import { defineEach, expression } from '../core/spec.ts';
import { dropped, PASSED } from '../core/verdict.ts';

const NULL_KEY = dropped('null_key');

/** The record gets another key: what follows is done where records of that key are. */
export const rekey = defineEach({
  type: 'rekey',
  summary: 'Give the record another key, and go on where records of that key are.',
  description: [
    'What follows is partitioned by the new key: the record goes through a repartition topic,',
    '`<topology>.<id of the stream>.<step>-repartition`, which the engine makes, and the steps behind',
    'it stand in a sub-topology of their own. Nothing is told twice or lost on the way: the hop is part',
    'of the transaction of what is before it, and is read only when that is committed. Event id, event',
    'time, priority, deadline, count, marks of `target` and `preferences`, and headers go along. Numbers',
    'of devices are still given last (rules D2, D3). Steps that look up a table must look up by the new',
    'key; a table and a repartition topic have the same number of partitions, else nothing starts',
    '(CAR604). A key is a text, a whole number or an enum; a record whose new key is null is dropped,',
    'and counted (semantics S36, where Kafka Streams does not count it). It stands before `fan_out`.',
  ].join(' '),
  config: {
    by: expression('The new key: a path as `value.memberId`, or any CEL expression.'),
    schema: optionalText(
      'The schema of the value in the repartition topic; needed when a step before has given the value anew.',
    ),
  },
  drops: { null_key: 'The expression `by` gives null.' },
  rekeys: true,
  example: "- rekey: { by: 'value.deviceId' }",
  open({ by }) {
    return (record) => {
      const key = by.evaluate(record);
      if (key === null || key === undefined) return NULL_KEY;
      record.key = String(key);
      return PASSED;
    };
  },
});
