/** What an input takes from the log, in what pieces, and what it says is to be committed. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LogBatch, TaskPort } from '../../core/log.ts';
import { SLICE_RECORDS_MAX, Slice } from '../../core/slice.ts';
import { batchOf, type Row, rowsOf } from '../../test/kit/slices.ts';
import { Input } from './input.ts';

const MISSING = 99;

/** Streams that tell what they were given; a value `{ missing }` has a schema that is not there. */
function opened(batches: readonly LogBatch[], streams = 1) {
  const given = [...batches];
  const told: string[] = [];
  const needed: number[] = [];
  let taken = 0;
  let loaded = false;
  const port = {
    take(topic: string) {
      assert.equal(topic, 'events');
      const batch = given.shift();
      if (batch !== undefined) taken++;
      return batch;
    },
  } as unknown as TaskPort;
  const readers = Array.from({ length: streams }, (_, s) => {
    const slice = new Slice(0);
    return {
      slice,
      missingSchema(i: number) {
        const text = slice.bytes.toString('utf8', slice.valueStart[i]!, slice.valueEnd[i]!);
        return !loaded && text.includes('missing') ? MISSING : -1;
      },
      timeOf: (i: number) => slice.timestamp[i]!,
      stream: slice,
      run(clockMs: number) {
        const { n, selected } = slice;
        const range = n === 0 ? '' : ` ${slice.offset[0]}…${slice.offset[n - 1]}`;
        told.push(`${s}:${clockMs} ${n}/${selected}${range}`);
        // A stream changes what is selected: the others have columns of their own.
        slice.selected = 0;
      },
    };
  });
  const input = new Input('events', port, readers, (id) => needed.push(id));
  const run = () => {
    const done = input.run(7);
    const text = done === undefined ? 'nothing' : `${done.records}→${done.nextOffset}`;
    return [text, ...told.splice(0)];
  };
  return {
    input,
    run,
    needed,
    taken: () => taken,
    give: (batch: LogBatch) => given.push(batch),
    load: () => {
      loaded = true;
    },
  };
}

const missing: Row = { key: 'k', value: { missing: true } };
const gone = (from: number, nextOffset: number): LogBatch => ({
  topic: 'events',
  partition: 0,
  bytes: Buffer.alloc(0),
  baseOffset: from,
  from,
  nextOffset,
});

test('a batch is a slice; what to commit is behind it', () => {
  const { run, input, taken } = opened([
    batchOf(rowsOf(1, 2, 3), { baseOffset: 10 }),
    batchOf(rowsOf(4), { baseOffset: 13 }),
  ]);
  assert.deepEqual(run(), ['3→13', '0:7 3/3 10…12']);
  assert.equal(taken(), 1, 'it takes when it can use more');
  assert.equal(input.ready, true);
  assert.equal(taken(), 2);
  assert.equal(input.ready, true);
  assert.equal(taken(), 2, 'one batch waits, not more');
  assert.deepEqual(run(), ['1→14', '0:7 1/1 13…13']);
  assert.deepEqual(run(), ['nothing']);
  assert.equal(input.ready, false);
});

test('a large batch comes in slices, and is all the input has until it is done', () => {
  const many = Array.from({ length: 1_300 }, () => ({ key: 'k' }));
  const { run, input, taken } = opened([batchOf(many), batchOf(rowsOf(1), { baseOffset: 1_300 })]);
  const max = SLICE_RECORDS_MAX;
  assert.deepEqual(run(), [`${max}→${max}`, `0:7 ${max}/${max} 0…${max - 1}`]);
  assert.equal(input.ready, true);
  assert.deepEqual(run(), [`${max}→${2 * max}`, `0:7 ${max}/${max} ${max}…${2 * max - 1}`]);
  assert.equal(taken(), 1);
  assert.deepEqual(run(), ['276→1300', '0:7 276/276 1024…1299']);
  assert.deepEqual(run(), ['1→1301', '0:7 1/1 1300…1300']);
});

test('what was read before is passed by, and the offset behind a batch may lie farther', () => {
  const batch = { ...batchOf(rowsOf(1, 2, 3, 4), { baseOffset: 20 }), from: 22, nextOffset: 30 };
  assert.deepEqual(opened([batch]).run(), ['2→30', '0:7 2/2 22…23']);
  const nothingLeft = { ...batch, from: 24 };
  const { run, input } = opened([nothingLeft, gone(30, 35)], 2);
  assert.deepEqual(run(), ['0→30']);
  assert.deepEqual(run(), ['0→35'], 'a batch without records moves the offset');
  assert.equal(input.ready, false);
});

test('each stream of a topic has all of it', () => {
  const many = Array.from({ length: 600 }, () => ({ key: 'k' }));
  const { run } = opened([batchOf(many)], 3);
  const max = SLICE_RECORDS_MAX;
  assert.deepEqual(run(), [
    `${max}→${max}`,
    ...[0, 1, 2].map((s) => `${s}:7 ${max}/${max} 0…${max - 1}`),
  ]);
  assert.deepEqual(run(), ['88→600', ...[0, 1, 2].map((s) => `${s}:7 88/88 512…599`)]);
});

test('a schema that is missing: what stands before it is run, it and the rest wait', () => {
  const rows = [...rowsOf(1, 2), missing, ...rowsOf(4)];
  const all = opened([batchOf(rows, { baseOffset: 40 })], 2);
  assert.deepEqual(all.run(), ['2→42', '0:7 2/2 40…41', '1:7 2/2 40…41']);
  assert.deepEqual(all.needed, [MISSING]);
  assert.deepEqual(all.run(), ['nothing']);
  assert.deepEqual(all.run(), ['nothing']);
  assert.equal(all.input.ready, true);
  all.load();
  assert.deepEqual(all.run(), ['2→44', '0:7 2/2 42…43', '1:7 2/2 42…43']);
  assert.equal(all.input.ready, false);
});

test('a schema that is missing at the start of a batch that begins in its middle', () => {
  const batch = { ...batchOf([missing, missing, ...rowsOf(3)], { baseOffset: 50 }), from: 51 };
  const all = opened([batch]);
  assert.deepEqual(all.run(), ['nothing']);
  all.load();
  assert.deepEqual(all.run(), ['2→53', '0:7 2/2 51…52']);
});
