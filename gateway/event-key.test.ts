import assert from 'node:assert/strict';
import { test } from 'node:test';
import { keyOf } from './event-key.ts';

const deep = (userId: unknown) => ({ who: { userId } });
const KEY = 'expected text of 1 to 1024 characters: it is the key';
const NONE = 'has no key of its own: give one beside it';
const rows: readonly [
  name: string,
  path: readonly string[] | null,
  event: unknown,
  given: string | undefined,
  expected: string,
][] = [
  ['at the top', ['memberId'], { memberId: 'm-1' }, undefined, 'm-1'],
  ['in a record', ['who', 'userId'], deep('m-1'), undefined, 'm-1'],
  ['not ASCII', ['who', 'userId'], deep('ü🔔'), undefined, 'ü🔔'],
  ['as long as it may be', ['k'], { k: 'x'.repeat(1024) }, undefined, 'x'.repeat(1024)],
  ['longer', ['k'], { k: 'x'.repeat(1025) }, undefined, `/k ${KEY}`],
  ['empty', ['who', 'userId'], deep(''), undefined, `/who/userId ${KEY}`],
  ['null', ['memberId'], { memberId: null }, undefined, `/memberId ${KEY}`],
  ['a number', ['memberId'], { memberId: 7 }, undefined, `/memberId ${KEY}`],
  ['a record that is null', ['who', 'userId'], { who: null }, undefined, `/who/userId ${KEY}`],
  ['half a surrogate pair', ['k'], { k: '\ud800' }, undefined, `/k ${KEY}`],
  ['inherited', ['constructor', 'name'], {}, undefined, `/constructor/name ${KEY}`],
  ['a name with a slash', ['a/b'], {}, undefined, `/a~1b ${KEY}`],
  [
    'given, though it has one',
    ['k'],
    { k: 'a' },
    'b',
    '/k this is the key: none is given beside it',
  ],
  ['given', null, {}, 'k-1', 'k-1'],
  ['not given', null, { memberId: 'm-1' }, undefined, ` ${NONE}`],
  ['given empty', null, {}, '', ' needs a key that is text of 1 to 1024 characters'],
];
for (const [name, key, event, given, expected] of rows) {
  test(`the key is ${name}`, () => {
    const type = { topic: 't', schema: 'S', avro: {}, key, id: null };
    const found = keyOf(type, event, given);
    assert.equal('key' in found ? found.key : `${found.path} ${found.what}`, expected);
  });
}
