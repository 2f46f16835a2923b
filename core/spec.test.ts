/**
 * What a step says of a record it has declared: the lines below that must not compile are checked by
 * the compiler itself, in the ring of types. Where one of them compiles, that ring fails.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defineEach, defineExpand, defineTimed, paths } from './spec.ts';
import { columns } from './store.ts';
import { deadLettered, dropped, HELD, PASSED } from './verdict.ts';

const base = { type: 'x', summary: 'X.', example: '- x: {}' };
const declared = {
  ...base,
  config: {},
  drops: { late: 'Too late.', full: 'No room.' },
  deadLetters: { CAR520: 'It is bad.' },
  counts: { seen: 'All of them.' },
} as const;

test('a step gives the reasons, codes and counts that it declares', () => {
  const spec = defineEach({
    ...declared,
    open: (_config, context) => (record) => {
      context.count('seen');
      context.settle(dropped('full'));
      if (record.offset === 0) return dropped('late');
      return record.offset === 1 ? deadLettered('CAR520') : PASSED;
    },
  });
  assert.deepEqual(Object.keys(spec.drops!), ['late', 'full']);
});

test('a reason, code or count that a step did not declare does not compile', () => {
  // @ts-expect-error: another reason.
  defineEach({ ...declared, open: () => () => dropped('lost') });
  // @ts-expect-error: another code.
  defineEach({ ...declared, open: () => () => deadLettered('CAR521') });
  // @ts-expect-error: no code of the table at all.
  defineEach({ ...declared, open: () => () => deadLettered('CAR000') });
  defineEach({
    ...declared,
    open: (_config, context) => () => {
      // @ts-expect-error: another count.
      context.count('saw');
      // @ts-expect-error: another reason, of what was held.
      context.settle(dropped('lost'));
      return PASSED;
    },
  });
  // @ts-expect-error: none is declared.
  defineEach({ ...base, config: {}, open: () => () => dropped('late') });
  // @ts-expect-error: none is declared.
  defineEach({ ...base, config: {}, open: () => () => deadLettered('CAR520') });
  // @ts-expect-error: another reason.
  defineExpand({ ...declared, open: () => () => dropped('lost') });
  // @ts-expect-error: another code.
  defineExpand({ ...declared, open: () => () => deadLettered('CAR521') });
  defineTimed({
    ...declared,
    config: { by: paths('Which belong together.') },
    rows: columns({ newest: 'record' }),
    keyedBy: 'by',
    open: () => ({
      // @ts-expect-error: another reason.
      record: (record) => (record.offset === 0 ? dropped('lost') : HELD),
      due() {},
    }),
  });
  // @ts-expect-error: it is declared under a code that the table does not have.
  defineEach({ ...declared, deadLetters: { CAR000: 'It is bad.' }, open: () => () => PASSED });
});
