import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { BatchBuilder } from '../../core/batch-builder.ts';
import type { EncodedBatch } from '../../core/log.ts';
import { isStateGone, markOf, readMarks, StateMarks, withMarks } from './state-marks.ts';

describe('the note of what had rows', () => {
  const table: readonly [what: string, marks: [string, string][], metadata: string][] = [
    ['nothing', [], ''],
    ['nothing, and metadata', [], '1;5-7'],
    ['one store', [['0a1b2c3d', '']], ''],
    [
      'with ids, and metadata with separators',
      [
        ['00000001', 'Zm9v'],
        ['00000002', ''],
      ],
      'a;b,c.d;',
    ],
  ];
  for (const [what, marks, metadata] of table) {
    test(`is read as it was written: ${what}`, () => {
      const read = readMarks(withMarks(new Map(marks), metadata));
      assert.deepEqual([[...read.marks], read.metadata], [marks, metadata]);
    });
  }

  test('is left out where it would be too long for the brokers', () => {
    const marks = new Map([['0a1b2c3d', '']]);
    const fits = 'm'.repeat(4096 - 'carillon.state;0a1b2c3d;'.length);
    assert.equal(readMarks(withMarks(marks, fits)).marks.size, 1);
    assert.equal(withMarks(marks, `${fits}m`), `${fits}m`);
  });

  test('metadata that is cut off, or of somebody else, is metadata', () => {
    for (const metadata of ['carillon.state;0a1b', 'carillon;x;', ';']) {
      assert.deepEqual(readMarks(metadata), { marks: new Map(), ends: new Map(), metadata });
    }
  });
});

describe('a changelog whose store had rows', () => {
  const had = new Map([[markOf('c'), 'id1']]);
  const table: readonly [string, ReadonlyMap<string, string>, string, number, string, boolean][] = [
    ['there', had, 'c', 9, 'id1', false],
    ['empty, so made anew', had, 'c', 0, 'id1', true],
    ['another topic of the name', had, 'c', 9, 'id2', true],
    ['there, its id unknown now', had, 'c', 9, '', false],
    ['there, its id unknown then', new Map([[markOf('c'), '']]), 'c', 9, 'id2', false],
    ['of another store', had, 'd', 0, '', false],
    ['never had any', new Map(), 'c', 0, '', false],
  ];
  for (const [what, marks, topic, end, id, gone] of table) {
    test(`${what}: ${gone ? 'gone' : 'well'}`, () => {
      assert.equal(isStateGone(marks, topic, end, id), gone);
    });
  }
});

test('a task notes a changelog from its first record on, and keeps what was noted', () => {
  const offsets = [{ topic: 'in', offset: 3, metadata: 'm' }];
  const batch = (topic: string) => ({ topic }) as EncodedBatch;
  const marks = new StateMarks(['c', 'd'], new Map([[markOf('d'), '']]), new Map([['c', 'id1']]));
  const noted = (batches: EncodedBatch[]) =>
    [...readMarks(marks.apply(batches, offsets)[0]!.metadata).marks].sort();
  const d: [string, string] = [markOf('d'), ''];
  assert.deepEqual(noted([batch('out')]), [d]);
  const both = [d, [markOf('c'), 'id1']].sort();
  assert.deepEqual(noted([batch('c')]), both);
  assert.deepEqual(noted([]), both);
  const none = new StateMarks([], new Map(), new Map());
  assert.equal(
    none.apply([batch('c')], offsets),
    offsets,
    'nothing to note where there is no store',
  );
});

test('a task notes how far a changelog goes at least, end markers counted', () => {
  const offsets = [{ topic: 'in', offset: 3, metadata: 'm' }];
  const batch = (topic: string, count: number) => {
    const builder = new BatchBuilder(topic, 0);
    for (let i = 0; i < count; i++) builder.append(1, `k${i}`, null);
    return builder.finish();
  };
  const ends = new Map([
    ['c', 100],
    ['d', 7],
  ]);
  const marks = new StateMarks(['c', 'd'], new Map(), new Map([['c', 'id1']]), ends);
  const noted = (...batches: EncodedBatch[]) => {
    const read = readMarks(marks.apply(batches, offsets)[0]!.metadata);
    assert.equal(read.metadata, 'm');
    return read.ends.get(markOf('c'));
  };
  assert.equal(noted(batch('d', 2)), undefined, 'no record of it yet');
  marks.committed();
  assert.equal(noted(batch('c', 5)), 105);
  assert.equal(noted(batch('c', 4)), 104, 'what was not committed does not count');
  marks.committed();
  assert.equal(noted(), 105);
  marks.committed();
  assert.equal(noted(batch('c', 1), batch('out', 9)), 106);
});
