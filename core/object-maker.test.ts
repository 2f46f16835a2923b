import assert from 'node:assert/strict';
import test from 'node:test';
import { objectMaker } from './object-maker.ts';

test('each field has what its part makes, in the order of the fields', () => {
  const asked: string[] = [];
  const part = (name: string) => (of: number) => {
    asked.push(name);
    return `${name}${of}`;
  };
  const names = ['b', 'a', 'with "quotes" \\ and\nlines', '2', ''];
  const make = objectMaker(names.map((name) => [name, part(name)] as const));
  const made = make(7);
  assert.deepEqual(asked, names);
  assert.deepEqual(made, Object.fromEntries(names.map((name) => [name, `${name}7`])));
  assert.notEqual(make(7), made);
});

test('a field __proto__ is a field', () => {
  const made = objectMaker<null>([['__proto__', () => ({ hidden: 1 })]])(null);
  assert.deepEqual(Object.keys(made), ['__proto__']);
  assert.equal(Object.getPrototypeOf(made), Object.prototype);
});

test('without fields it is empty, and what a part throws is thrown', () => {
  assert.deepEqual(objectMaker([])(1), {});
  const make = objectMaker<number>([
    [
      'a',
      () => {
        throw new Error('no');
      },
    ],
  ]);
  assert.throws(() => make(1), /no/);
});
