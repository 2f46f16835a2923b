/**
 * What steps do when there is no memory for another row: as when the most that they keep is there.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AggregateCall } from '../core/aggregate-call.ts';
import type { StepSpec } from '../core/spec.ts';
import type { RowStore } from '../runtime/state/row-store.ts';
import { StepBench } from '../test/kit/steps.ts';
import { aggregate } from './aggregate.ts';
import { coalesce } from './coalesce.ts';
import { dedup } from './dedup.ts';
import { digest } from './digest.ts';
import { joinStreams } from './join-streams.ts';
import { quietHours } from './quiet-hours.ts';
import { throttle } from './throttle.ts';

const BY = { by: ['value.id'] };
const QUIET = { from: '22:00', to: '07:00', zone: 'value.zone' };
const COUNT = { fields: { n: new AggregateCall('count()', 'count', null) }, by: ['key'] };

const rows: readonly {
  readonly step: StepSpec;
  readonly options: object;
  readonly verdict: string;
  readonly counted?: object;
  /** Ids of what goes on. */
  readonly out: readonly (string | undefined)[];
}[] = [
  {
    step: dedup,
    options: { ...BY, within: '1m' },
    verdict: 'passed',
    counted: { forgotten: 1 },
    out: ['c'],
  },
  {
    step: coalesce,
    options: { ...BY, quiet: '1m', at_most: '1h' },
    verdict: 'held',
    counted: { emitted_early: 1 },
    out: ['a'],
  },
  {
    step: coalesce,
    options: { ...BY, quiet: '1m', at_most: '1h', on_full: 'drop' },
    verdict: 'dropped full',
    out: [],
  },
  {
    step: throttle,
    options: { ...BY, max: 1, per: '1h' },
    verdict: 'passed',
    counted: { uncounted: 1 },
    out: ['c'],
  },
  {
    step: throttle,
    options: { ...BY, max: 1, per: '1h', on_full: 'drop' },
    verdict: 'dropped full',
    out: [],
  },
  {
    step: digest,
    options: { ...BY, within: '1h' },
    verdict: 'held',
    counted: { emitted_early: 1 },
    out: [undefined],
  },
  {
    step: digest,
    options: { ...BY, within: '1h', on_full: 'drop' },
    verdict: 'dropped full',
    out: [],
  },
  {
    step: quietHours,
    options: { ...QUIET, on_full: 'pass' },
    verdict: 'passed',
    counted: { delayed: 2, uncounted: 1 },
    out: ['c'],
  },
  { step: quietHours, options: QUIET, verdict: 'dropped full', counted: { delayed: 2 }, out: [] },
  {
    step: joinStreams,
    options: { with: {}, within: '10s', as: 'b', own_as: 'a' },
    verdict: 'held',
    counted: { closed_early: 1 },
    out: [],
  },
  {
    step: joinStreams,
    options: { with: {}, within: '10s', as: 'b', own_as: 'a', on_full: 'drop' },
    verdict: 'dropped full',
    out: [],
  },
  { step: aggregate, options: COUNT, verdict: 'dropped full', out: [] },
  {
    step: aggregate,
    options: { ...COUNT, tumbling: { size: '1h' } },
    verdict: 'dropped late',
    counted: { closed_early: 1, late_windows: 1 },
    out: [],
  },
];

for (const { step, options, verdict, counted = {}, out } of rows) {
  const { on_full = 'as it is' } = options as { on_full?: string };
  test(`${step.type}, on_full ${on_full}: no memory for a third one`, () => {
    const bench = new StepBench(step, { ...options });
    const feed = (id: string) =>
      bench.feed({ at: 0, key: id, value: { id, zone: 'UTC' }, eventId: `e-${id}` });
    feed('a');
    feed('b');
    bench.takeOut();
    const store = bench.store as RowStore<never>;
    store.rowsMax = store.size;
    assert.equal(feed('c'), verdict);
    assert.deepEqual(
      bench.takeOut().map(({ value }) => value.id),
      out,
    );
    assert.deepEqual(bench.counts.counted, new Map(Object.entries(counted)));
    // One that is known needs no row more.
    store.rowsMax = Number.POSITIVE_INFINITY;
    assert.notEqual(feed('d'), 'dropped full');
  });
}
