/**
 * What a step says of a record it has declared. The types below are checked in the ring of types:
 * were something taken that is not declared, `false` would be the wrong value there.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { IDENTITY, paths } from './path-options.ts';
import { defineEach, defineExpand, defineOperator, defineTimed } from './spec.ts';
import { columns } from './store.ts';
import { type DeadLettered, type Dropped, deadLettered, dropped, HELD, PASSED } from './verdict.ts';

const base = { type: 'x', summary: 'X.', example: '- x: {}', config: {} };
const declared = {
  ...base,
  drops: { late: 'Too late.', full: 'No room.' },
  deadLetters: { CAR520: 'It is bad.' },
  counts: { seen: 'All of them.' },
} as const;

const each = defineEach({
  ...declared,
  open: (_config, context) => (record) => {
    context.count('seen');
    context.settle(dropped('full'));
    if (record.offset === 0) return dropped('late');
    return record.offset === 1 ? deadLettered('CAR520') : PASSED;
  },
});
const expand = defineExpand({ ...declared, open: () => () => dropped('late') });
const timed = defineTimed({
  ...declared,
  config: { by: paths('Which belong together.', IDENTITY) },
  rows: columns({ newest: 'record' }),
  keyedBy: 'by',
  open: () => ({
    record: (record) => (record.offset === 0 ? deadLettered('CAR520') : HELD),
    due() {},
  }),
});
const silent = defineEach({ ...base, open: () => () => PASSED });
const operator = defineOperator({ ...base, open: () => (slices) => slices });

type Each = ReturnType<ReturnType<typeof each.open>>;
type Expand = ReturnType<ReturnType<typeof expand.open>>;
type Timed = ReturnType<ReturnType<typeof timed.open>['record']>;
type Silent = ReturnType<ReturnType<typeof silent.open>>;
type Settled = Parameters<Parameters<typeof each.open>[1]['settle']>[0];
type Counted = Parameters<Parameters<typeof each.open>[1]['count']>[0];
type CountedInSilence = Parameters<Parameters<typeof silent.open>[1]['count']>[0];
type SettledInSilence = Parameters<Parameters<typeof operator.open>[1]['settle']>[0];
type Takes<What, Fate> = [What] extends [Fate] ? true : false;

const taken: readonly [
  Takes<Dropped<'late'>, Each>,
  Takes<Dropped<'late'>, Expand>,
  Takes<Dropped<'late'>, Timed>,
  Takes<DeadLettered<'CAR520'>, Each>,
  Takes<DeadLettered<'CAR520'>, Expand>,
  Takes<DeadLettered<'CAR520'>, Timed>,
  Takes<Dropped<'full'>, Settled>,
  Takes<'seen', Counted>,
] = [true, true, true, true, true, true, true, true];

const refused: readonly [
  Takes<Dropped<'lost'>, Each>,
  Takes<Dropped<'lost'>, Expand>,
  Takes<Dropped<'lost'>, Timed>,
  Takes<Dropped<string>, Each>,
  Takes<DeadLettered<'CAR521'>, Each>,
  Takes<DeadLettered<'CAR521'>, Expand>,
  Takes<DeadLettered<'CAR521'>, Timed>,
  Takes<Dropped<'lost'>, Settled>,
  Takes<'saw', Counted>,
  // None is declared, so none is given.
  Takes<Dropped<'late'>, Silent>,
  Takes<DeadLettered<'CAR520'>, Silent>,
  Takes<'seen', CountedInSilence>,
  Takes<Dropped<'late'>, SettledInSilence>,
] = [false, false, false, false, false, false, false, false, false, false, false, false, false];

test('a step gives the reasons, codes and counts that it declares, and no other', () => {
  assert.ok(taken.every(Boolean));
  assert.ok(!refused.some(Boolean));
  assert.deepEqual(Object.keys(each.drops ?? {}), ['late', 'full']);
  assert.deepEqual(Object.keys(each.deadLetters ?? {}), ['CAR520']);
});
