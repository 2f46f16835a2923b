/** Frames as others may write them: with checksums, sizes, stored blocks; and what is none. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lz4Decompress } from './lz4.ts';

const MAX = 1 << 20;
const VERSION = 0x40;
const BLOCK_CHECKSUM = 0x10;
const SIZE = 0x08;
const DICTIONARY = 0x01;
const OF_64_KIB = 0x40;
const STORED = 0x8000_0000;
/** Checksums are passed over: these are wrong ones. */
const CHECKSUM = Buffer.from([9, 9, 9, 9]);

const int = (value: number) => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value >>> 0);
  return bytes;
};

interface Frame {
  readonly flags?: number;
  readonly kind?: number;
  readonly blocks: readonly { readonly data: Buffer; readonly isStored?: boolean }[];
}

function frame({ flags = VERSION, kind = OF_64_KIB, blocks }: Frame): Buffer {
  const parts: Buffer[] = [int(0x184d_2204), Buffer.from([flags, kind])];
  if (flags & SIZE) parts.push(Buffer.alloc(8, 1));
  parts.push(Buffer.from([7]));
  for (const { data, isStored = false } of blocks) {
    parts.push(int(data.length + (isStored ? STORED : 0)), data);
    if (flags & BLOCK_CHECKSUM) parts.push(CHECKSUM);
  }
  parts.push(int(0));
  return Buffer.concat(parts);
}

/** Literals alone, of less than 15 bytes. */
const literals = (text: string) => Buffer.from([text.length << 4, ...Buffer.from(text)]);
/** `abc`, then four bytes from three back, then `z`. */
const REPEATING = Buffer.from([0x30, ...Buffer.from('abc'), 3, 0, 0x10, ...Buffer.from('z')]);

const rows: readonly [what: string, of: Frame, text: string][] = [
  ['one block', { blocks: [{ data: literals('one') }] }, 'one'],
  ['a copy of what is being written', { blocks: [{ data: REPEATING }] }, 'abcabcaz'],
  ['a stored block', { blocks: [{ data: Buffer.from('as it is'), isStored: true }] }, 'as it is'],
  [
    'blocks one after the other, each with its checksum',
    {
      flags: VERSION | BLOCK_CHECKSUM,
      blocks: [{ data: literals('one') }, { data: Buffer.from('two'), isStored: true }],
    },
    'onetwo',
  ],
  ['a size ahead', { flags: VERSION | SIZE, blocks: [{ data: literals('one') }] }, 'one'],
  [
    'a size, and checksums',
    {
      flags: VERSION | SIZE | BLOCK_CHECKSUM,
      blocks: [{ data: literals('one') }, { data: literals('two') }],
    },
    'onetwo',
  ],
  ['nothing', { blocks: [] }, ''],
];

for (const [what, of, text] of rows) {
  test(`is read: ${what}`, () => assert.equal(String(lz4Decompress(frame(of), MAX)), text));
}

const ONE = { blocks: [{ data: literals('one') }] };
const wrong: readonly [what: string, bytes: Buffer, max: number, message: RegExp][] = [
  ['another magic number', Buffer.concat([int(1), Buffer.alloc(12)]), MAX, /no LZ4 frame/],
  ['a dictionary', frame({ ...ONE, flags: VERSION | DICTIONARY }), MAX, /does not write/],
  ['another version', frame({ ...ONE, flags: 0x80 }), MAX, /does not write/],
  ['a block of no size', frame({ ...ONE, kind: 0x30 }), MAX, /does not write/],
  ['a block beyond the end', frame(ONE).subarray(0, 12), MAX, /damaged/],
  [
    'a copy from before the beginning',
    frame({ blocks: [{ data: Buffer.from([0x10, 97, 2, 0, 0x10, 97]) }] }),
    MAX,
    /damaged/,
  ],
  [
    'a copy of nothing',
    frame({ blocks: [{ data: Buffer.from([0x10, 97, 0, 0, 0x10, 97]) }] }),
    MAX,
    /damaged/,
  ],
  ['more than there may be', frame({ blocks: [{ data: REPEATING }] }), 7, /more than 7 bytes/],
  [
    'stored, more than there may be',
    frame({ blocks: [{ data: Buffer.from('as it is'), isStored: true }] }),
    7,
    /more than 7 bytes/,
  ],
];
for (const [what, bytes, max, message] of wrong) {
  test(`is refused: ${what}`, () => {
    assert.throws(() => lz4Decompress(bytes, max), { name: 'RangeError', message });
  });
}

test('as much as there may be is read', () => {
  assert.equal(String(lz4Decompress(frame({ blocks: [{ data: REPEATING }] }), 8)), 'abcabcaz');
});
