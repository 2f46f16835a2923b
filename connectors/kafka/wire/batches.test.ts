import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { crc32c } from '@node-rs/crc32';
import { compressionsAlgorithms } from '@platformatic/kafka';
import fc from 'fast-check';
import { BatchBuilder } from '../../../core/batch-builder.ts';
import { CarillonError } from '../../../core/error.ts';
import { readBatch, wholeBatch } from '../../../core/record-batch.ts';
import { type FetchedRun, walkBatches } from './batches.ts';
import { seal } from './produce-request.ts';

const SEED = Number(process.env.SEED ?? 6);
const HEADER_BYTES = 61;

type Row = readonly [key: string | null, value: string | null];

interface Made {
  readonly offset: number;
  readonly rows?: readonly Row[];
  readonly producerId?: number;
  readonly transactional?: boolean;
  readonly compress?: (records: Buffer) => Buffer;
  readonly codec?: number;
  /** Set by the broker, for all records. */
  readonly appendTime?: number;
}

function sealed(bytes: Buffer): Buffer {
  bytes.writeInt32BE(bytes.length - 12, 8);
  bytes.writeUInt32BE(crc32c(bytes.subarray(21)) >>> 0, 17);
  return bytes;
}

function batch(made: Made): Buffer {
  const builder = new BatchBuilder('t', 0);
  for (const [i, [key, value]] of (made.rows ?? [[`k${made.offset}`, 'v']]).entries()) {
    builder.append(1_000 + i, key, value === null ? null : Buffer.from(value));
  }
  const plain = seal(builder.finish().bytes, {
    producerId: made.producerId ?? -1,
    epoch: 0,
    sequence: 0,
    transactional: made.transactional ?? false,
    compression: 'none',
  });
  const bytes =
    made.compress === undefined
      ? plain
      : Buffer.concat([
          plain.subarray(0, HEADER_BYTES),
          made.compress(plain.subarray(HEADER_BYTES)),
        ]);
  if (made.codec !== undefined) bytes.writeInt16BE(bytes.readInt16BE(21) | made.codec, 21);
  if (made.appendTime !== undefined) {
    bytes.writeInt16BE(bytes.readInt16BE(21) | 8, 21);
    bytes.writeBigInt64BE(BigInt(made.appendTime), 35);
  }
  bytes.writeBigInt64BE(BigInt(made.offset), 0);
  return sealed(bytes);
}

/** As brokers write it: key is version and type, value is version and coordinator's epoch. */
function marker(offset: number, producerId: number, kind: 'abort' | 'commit'): Buffer {
  const builder = new BatchBuilder('t', 0);
  builder.append(1_000, Buffer.from([0, 0, 0, kind === 'abort' ? 0 : 1]), Buffer.alloc(6));
  const how = { producerId, epoch: 0, sequence: -1, transactional: true } as const;
  const bytes = seal(builder.finish().bytes, { ...how, compression: 'none' });
  bytes.writeInt16BE(bytes.readInt16BE(21) | 0x20, 21);
  bytes.writeBigInt64BE(BigInt(offset), 0);
  return sealed(bytes);
}

function walk(parts: readonly Buffer[], over: Partial<FetchedRun> = {}) {
  const bytes = Buffer.concat(parts);
  const run = { topic: 't', partition: 0, offset: 0, bytes, aborted: [], ...over };
  const { batches, nextOffset } = walkBatches(run);
  const records = batches.flatMap((one) =>
    readBatch(wholeBatch('t', 0, one.bytes, one.baseOffset)),
  );
  return { batches, nextOffset, records, offsets: records.map((record) => record.offset) };
}

const codecs: readonly [string, number, (records: Buffer) => Buffer][] = [
  ['gzip', 1, (bytes) => gzipSync(bytes)],
  ['snappy', 2, (bytes) => compressionsAlgorithms.snappy.compressSync(bytes)],
  ['lz4', 3, (bytes) => compressionsAlgorithms.lz4.compressSync(bytes)],
  ['zstd', 4, (bytes) => zstdCompressSync(bytes)],
];

for (const [name, codec, compress] of codecs) {
  test(`a batch of ${name} is handed out as an uncompressed one, byte for byte`, () => {
    const word = fc.string({ maxLength: 80 });
    const text = fc.oneof(
      fc.constant(null),
      word,
      fc.tuple(word, fc.nat(3_000)).map(([part, times]) => part.repeat(times).slice(0, 70_000)),
    );
    fc.assert(
      fc.property(fc.array(fc.tuple(text, text), { minLength: 1, maxLength: 30 }), (rows) => {
        const plain = batch({ offset: 7, rows });
        const packed = batch({ offset: 7, rows, compress, codec });
        const { batches, nextOffset } = walk([packed], { offset: 7 });
        assert.equal(nextOffset, 7 + rows.length);
        const [one] = batches;
        // All but the checksum, which stays that of the compressed bytes.
        plain.copy(one!.bytes, 17, 17, 21);
        assert.deepEqual(one!.bytes, plain);
        assert.equal(one!.count, rows.length);
      }),
      { seed: SEED, numRuns: 60 },
    );
  });

  test(`damaged ${name} whose checksum fits is CAR647, never another error and never a hang`, () => {
    const rows = Array.from({ length: 40 }, (_, i): Row => [`key ${i % 5}`, `value ${i % 7}`]);
    const good = batch({ offset: 0, rows, compress, codec });
    fc.assert(
      fc.property(
        fc.nat(good.length - HEADER_BYTES - 1),
        fc.integer({ min: 1, max: 255 }),
        (at, x) => {
          const bad = Buffer.from(good);
          bad[HEADER_BYTES + at]! ^= x;
          try {
            walkBatches({ topic: 't', partition: 0, offset: 0, bytes: sealed(bad), aborted: [] });
          } catch (error) {
            assert.ok(error instanceof CarillonError, String(error));
            assert.equal(error.code, 'CAR647');
            assert.equal(error.where.at, 't/0@0');
          }
        },
      ),
      { seed: SEED, numRuns: 300 },
    );
  });
}

test('xerial frames of several blocks, as Java writes snappy', () => {
  const rows: Row[] = [['k', 'x'.repeat(50_000)]];
  const compress = (bytes: Buffer) => {
    const parts: Buffer[] = [Buffer.from('82534e41505059000000000100000001', 'hex')];
    for (let at = 0; at < bytes.length; at += 32_768) {
      const block = compressionsAlgorithms.snappy.compressSync(bytes.subarray(at, at + 32_768));
      const size = Buffer.alloc(4);
      size.writeInt32BE(block.length);
      parts.push(size, block);
    }
    return Buffer.concat(parts);
  };
  const { records } = walk([batch({ offset: 0, rows, compress, codec: 2 })]);
  assert.deepEqual(
    records.map((record) => record.valueBytes!.length),
    [50_000],
  );
});

const T = (offset: number, producerId: number) =>
  batch({ offset, producerId, transactional: true });

const transactions: readonly {
  readonly name: string;
  readonly run: readonly Buffer[];
  readonly aborted: readonly { producerId: number; firstOffset: number }[];
  readonly offsets: readonly number[];
  readonly next: number;
}[] = [
  {
    name: 'committed records are handed out, markers are not',
    run: [T(0, 1), T(1, 1), marker(2, 1, 'commit'), batch({ offset: 3 })],
    aborted: [],
    offsets: [0, 1, 3],
    next: 4,
  },
  {
    name: 'aborted records are passed over, what stands between them is not',
    run: [T(0, 1), batch({ offset: 1 }), T(2, 2), T(3, 1), marker(4, 1, 'abort'), T(5, 1)],
    aborted: [{ producerId: 1, firstOffset: 0 }],
    offsets: [1, 2, 5],
    next: 6,
  },
  {
    name: 'a fetch that begins within an aborted transaction',
    run: [T(7, 1), marker(8, 1, 'abort'), T(9, 1), marker(10, 1, 'commit')],
    aborted: [{ producerId: 1, firstOffset: 3 }],
    offsets: [9],
    next: 11,
  },
  {
    name: 'two producers that abort crosswise, told in the order of their ends',
    run: [
      T(0, 1),
      T(1, 2),
      marker(2, 2, 'abort'),
      T(3, 1),
      T(4, 2),
      marker(5, 1, 'abort'),
      T(6, 1),
    ],
    aborted: [
      { producerId: 2, firstOffset: 1 },
      { producerId: 1, firstOffset: 0 },
    ],
    offsets: [4, 6],
    next: 7,
  },
  {
    name: 'one producer that aborts twice in a fetch, and commits in between',
    run: [
      T(0, 1),
      marker(1, 1, 'abort'),
      T(2, 1),
      marker(3, 1, 'commit'),
      T(4, 1),
      marker(5, 1, 'abort'),
    ],
    aborted: [
      { producerId: 1, firstOffset: 0 },
      { producerId: 1, firstOffset: 4 },
    ],
    offsets: [2],
    next: 6,
  },
  {
    name: 'only markers: the position moves past them',
    run: [marker(3, 1, 'commit'), marker(4, 2, 'abort')],
    aborted: [],
    offsets: [],
    next: 5,
  },
  {
    name: 'read uncommitted: nothing is told as aborted, all is handed out',
    run: [T(0, 1), marker(1, 1, 'abort')],
    aborted: [],
    offsets: [0],
    next: 2,
  },
];

for (const { name, run, aborted, offsets, next } of transactions) {
  test(name, () => {
    const walked = walk(run, { aborted });
    assert.deepEqual(walked.offsets, offsets);
    assert.equal(walked.nextOffset, next);
  });
}

test('a batch that is cut off is left for the next fetch, wherever the cut is', () => {
  const [first, second] = [batch({ offset: 0 }), batch({ offset: 1 })];
  for (let size = 0; size < second.length; size++) {
    const { offsets, nextOffset } = walk([first, second.subarray(0, size)]);
    assert.deepEqual(offsets, [0]);
    assert.equal(nextOffset, 1);
  }
  assert.equal(walk([second.subarray(0, 40)], { offset: 1 }).nextOffset, 1);
  assert.equal(walk([], { offset: 5 }).nextOffset, 5);
});

test('a batch that begins before the fetch is handed out whole, one that ends before it is not', () => {
  const rows: Row[] = [
    ['a', '1'],
    ['b', '2'],
    ['c', '3'],
  ];
  const run = [batch({ offset: 0 }), batch({ offset: 1, rows })];
  assert.deepEqual(walk(run, { offset: 2 }).offsets, [1, 2, 3]);
  assert.equal(walk(run, { offset: 2 }).nextOffset, 4);
  assert.equal(walk([batch({ offset: 0 })], { offset: 9 }).nextOffset, 9);
});

test('a batch that compaction has emptied moves the position', () => {
  const empty = batch({ offset: 4 }).subarray(0, HEADER_BYTES);
  empty.writeInt32BE(0, 57);
  empty.writeInt32BE(3, 23);
  const { offsets, nextOffset } = walk([sealed(empty), batch({ offset: 8 })], { offset: 4 });
  assert.deepEqual(offsets, [8]);
  assert.equal(nextOffset, 9);
});

test('the last offset is by the header: compaction keeps it when the last record has gone', () => {
  const bytes = batch({ offset: 10 });
  bytes.writeInt32BE(5, 23);
  assert.equal(walk([sealed(bytes)], { offset: 10 }).nextOffset, 16);
});

test("times that the broker sets stand in the records' own places", () => {
  const rows: Row[] = [
    ['a', '1'],
    ['b', 'x'.repeat(9_000)],
    [null, null],
  ];
  for (const how of [{}, { compress: (bytes: Buffer) => gzipSync(bytes), codec: 1 }]) {
    const { records } = walk([batch({ offset: 3, rows, appendTime: 77_777, ...how })]);
    const told = records.map((r) => [r.offset, r.timestamp, r.key, r.valueBytes?.length ?? 0]);
    assert.deepEqual(told, [
      [3, 77_777, 'a', 1],
      [4, 77_777, 'b', 9_000],
      [5, 77_777, null, 0],
    ]);
  }
});

const flip = (bytes: Buffer, at: number) => void bytes.writeUInt8(bytes[at]! ^ 4, at);

const damaged: readonly [name: string, change: (bytes: Buffer) => void, retryable: boolean][] = [
  ['a flipped bit', (bytes) => flip(bytes, 70), true],
  ['the old format 0', (bytes) => void bytes.writeInt8(0, 16), false],
  ['the old format 1', (bytes) => void bytes.writeInt8(1, 16), false],
  ['an unknown format', (bytes) => void bytes.writeInt8(3, 16), false],
  ['a length below the header', (bytes) => void bytes.writeInt32BE(20, 8), false],
  ['a negative length', (bytes) => void bytes.writeInt32BE(-9, 8), false],
];

for (const [name, change, retryable] of damaged) {
  test(`${name} is CAR647 with its place, once what stands before it is handed out`, () => {
    const bad = batch({ offset: 1 });
    change(bad);
    const walked = walk([batch({ offset: 0 }), bad, batch({ offset: 2 })]);
    assert.deepEqual(walked.offsets, [0]);
    assert.equal(walked.nextOffset, 1);
    assert.throws(
      () => walk([bad, batch({ offset: 2 })], { offset: 1 }),
      (error: CarillonError) =>
        error.code === 'CAR647' && error.where.at === 't/0@1' && error.retryable === retryable,
    );
  });
}

test('a batch that grows beyond all bounds is refused', () => {
  const bomb = Buffer.alloc(130 * 1024 * 1024);
  for (const [name, codec, compress] of codecs) {
    const bytes = Buffer.concat([batch({ offset: 0 }).subarray(0, HEADER_BYTES), compress(bomb)]);
    bytes.writeInt16BE(codec, 21);
    assert.throws(() => walk([sealed(bytes)]), { code: 'CAR647' }, name);
  }
});
