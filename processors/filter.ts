import { defineEach, predicate } from '../core/spec.ts';
import { dropped, PASSED } from '../core/verdict.ts';

const FILTERED = dropped('filtered');

export const filter = defineEach({
  type: 'filter',
  summary: 'Keep the records for which a predicate holds.',
  description:
    'The predicate is CEL over `value`, `key` and `timestamp`, checked against the schema when the ' +
    'file is loaded. A record on which it fails goes to the dead letters.',
  config: { where: predicate('Keep the record when this holds.') },
  ensures: 'where',
  drops: { filtered: 'The predicate did not hold.' },
  example: '- filter: { where: \'value.deviceId != ""\' }',
  open({ where }) {
    return (record) => (where.evaluate(record) === true ? PASSED : FILTERED);
  },
});
