import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HandClock } from '../core/clock.ts';
import { isUndecodable } from '../core/schema.ts';
import { putVarint } from '../core/varint.ts';
import { AvroSchemas } from './avro-schemas.ts';
import { EMPTY_ITEMS_MAX, NESTED_MAX } from './avro-walk.ts';
import { schemaFolderOf } from './folder.ts';
import { MemoryRegistry } from './memory-registry.ts';

const EVENT = {
  type: 'record',
  name: 'Event',
  fields: [
    { name: 'id', type: 'int' },
    { name: 'tags', type: { type: 'array', items: 'string' }, default: [] },
    { name: 'nulls', type: { type: 'array', items: 'null' }, default: [] },
    { name: 'counts', type: { type: 'map', values: ['null', 'long'] }, default: {} },
    {
      name: 'tree',
      type: {
        type: 'record',
        name: 'Tree',
        fields: [{ name: 'below', type: { type: 'array', items: 'Tree' } }],
      },
      default: { below: [] },
    },
    {
      name: 'empty',
      type: {
        type: 'array',
        items: { type: 'record', name: 'Empty', fields: [{ name: 'none', type: 'null' }] },
      },
      default: [],
    },
    {
      name: 'endless',
      type: {
        type: 'array',
        items: { type: 'record', name: 'Endless', fields: [{ name: 'on', type: 'Endless' }] },
      },
      default: [],
    },
  ],
} as const;
/** What follows `id`, empty. */
const NONE = [0, 0, 0, 0, 0, 0];
const HUGE = 2 ** 52;

async function opened() {
  const schemas = new AvroSchemas(
    schemaFolderOf(new Map([['Event', { record: EVENT, file: 'event.avsc' }]])),
    new MemoryRegistry(),
    new HandClock(0),
  );
  await schemas.open([{ topic: 't', schema: 'Event' }]);
  return schemas;
}

/** A value of schema id 1: whole numbers as Avro writes them, and bytes as they are. */
function bytesOf(body: readonly (number | string)[]): Buffer {
  const bytes = Buffer.alloc(5 + body.length * 10);
  bytes[4] = 1;
  let at = 5;
  for (const part of body) {
    if (typeof part === 'number') at = putVarint(bytes, at, part);
    else at += bytes.write(part, at, 'latin1');
  }
  return bytes.subarray(0, at);
}

const bad: readonly [string, readonly (number | string)[], RegExp][] = [
  ['items that are not there', [1, 3, 1, 'a', ...NONE], /ends before|claims more/],
  ['an array of texts as long as years', [1, HUGE, ...NONE], /claims more items than bytes/],
  ['as long, by a negative count', [1, -HUGE, 1, ...NONE], /claims more items than bytes/],
  ['an array of nulls as long', [1, 0, HUGE, ...NONE], /claims more items than bytes/],
  [
    'nulls by many blocks',
    [1, 0, ...Array(9).fill(EMPTY_ITEMS_MAX / 8), ...NONE],
    /that take none/,
  ],
  ['a map as long', [1, 0, 0, HUGE, ...NONE], /claims more items than bytes/],
  ['a block that leads backwards', [1, -1, -2, 1, 'a', ...NONE], /a length is negative/],
  ['as far back as it goes', [1, -1, -HUGE, 1, 'a', ...NONE], /a length is negative/],
  ['a block that is longer than it says', [1, -1, 1, 1, 'a', ...NONE], /not that of what follows/],
  ['a text of a negative length', [1, 1, -1, ...NONE], /a length is negative/],
  ['a union without that branch', [1, 0, 0, 1, 1, 'a', 2, ...NONE], /no branch of the number/],
  ['a count that never ends', [1, '\xff'.repeat(12)], /not that of what follows/],
  ['a tree without end', [1, 0, 0, 0, ...Array(NESTED_MAX + 1).fill(1)], /nested more than/],
  ['what can have no end', [1, ...NONE.with(-1, 1), 0, 0], /nested more than/],
  ['bytes left over', [1, ...NONE, 7], /1 byte\(s\) are left over/],
];

for (const [name, body, why] of bad) {
  test(`refused at once: ${name}`, async () => {
    const schemas = await opened();
    const bytes = bytesOf(body);
    for (const fields of [undefined, ['id'], ['nulls', 'tags']]) {
      const decoder = schemas.decoder(1, { schema: 'Event', ...(fields && { fields }) });
      assert.ok(decoder !== undefined && !isUndecodable(decoder));
      // What lies behind it, in a batch, is never looked at.
      const batch = Buffer.concat([bytes, Buffer.alloc(64, 0xff)]);
      assert.throws(() => decoder.decode(batch, 0, bytes.length), /CAR503/, `${fields}`);
      assert.throws(() => decoder.decode(batch, 0, bytes.length), why);
    }
    assert.throws(() => schemas.decodeByWriter(bytes, 0, bytes.length), why);
  });
}

test('what is long but true is read, in blocks of both kinds', async () => {
  const schemas = await opened();
  const decode = (...body: readonly (number | string)[]) => {
    const bytes = bytesOf(body);
    return schemas.decodeByWriter(bytes, 0, bytes.length) as { readonly [field: string]: unknown };
  };
  const blocks = decode(9, 1, 1, 'a', -2, 4, 1, 'b', 1, 'c', 0, 0, 0, 0, 0, 0);
  assert.equal(blocks.id, 9);
  assert.deepEqual(blocks.tags, ['a', 'b', 'c']);
  const tree = [...Array(NESTED_MAX - 2).fill(1), ...Array(NESTED_MAX - 1).fill(0)];
  // What a value was refused for is not held against the next.
  for (let n = 0; n < 3; n++) {
    assert.throws(() => decode(1, 0, 0, 0, 1, ...tree, 0, 0), /nested more than/);
    decode(1, 0, 0, 0, ...tree, 0, 0);
    const { nulls, empty } = decode(1, 0, EMPTY_ITEMS_MAX - 9, 0, 0, 0, 9, 0, 0);
    assert.equal((nulls as null[]).length, EMPTY_ITEMS_MAX - 9);
    assert.equal((empty as object[]).length, 9);
    assert.throws(() => decode(1, 0, EMPTY_ITEMS_MAX - 9, 0, 0, 0, 10, 0, 0), /take none/);
  }
  const wide = [NESTED_MAX * 3, ...Array(NESTED_MAX * 3).fill(0)];
  const { tree: top } = decode(1, 0, 0, 0, ...wide, 0, 0, 0);
  assert.equal((top as { below: object[] }).below.length, NESTED_MAX * 3);
});
