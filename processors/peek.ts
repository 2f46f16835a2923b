import { defineEach } from '../core/spec.ts';
import { PASSED } from '../core/verdict.ts';

export const peek = defineEach({
  type: 'peek',
  summary: 'Count the records that come by, and change nothing.',
  description: 'A named place in a stream at which metrics and taps can look.',
  config: {},
  counts: { tombstones: 'Records without a value among them.' },
  example: '- peek: {}',
  open(_config, context) {
    return (record) => {
      if (record.isTombstone) context.count('tombstones');
      return PASSED;
    };
  },
});
