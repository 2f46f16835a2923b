import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fieldReader, jsonRecord } from '../test/kit/steps.ts';
import { identityOf } from './identity.ts';

const of = (paths: readonly string[], value: unknown) =>
  identityOf(paths.map(fieldReader), jsonRecord({ value }, 0, 0));

test('different identities have different texts', () => {
  const values: readonly unknown[] = [
    { a: 'a', b: 'bc' },
    { a: 'ab', b: 'c' },
    { a: 'a', b: '2:sbc' },
    { a: '', b: 'abc' },
    { a: 1, b: '1' },
    { a: '1', b: 1 },
    { a: '1', b: '1' },
    { a: true, b: 'true' },
    { a: 'true', b: true },
    { a: [1], b: '[1]' },
    { a: '[1]', b: [1] },
  ];
  const texts = values.map((value) => of(['value.a', 'value.b'], value));
  assert.equal(new Set(texts).size, values.length, String(texts));
  const single = values.map((value) => of(['value.a'], value));
  assert.equal(new Set(single).size, 9, 'only a, ab, "", 1, "1", true, "true", [1], "[1]" differ');
});

test('bytes are an identity too', () => {
  const bytes = { path: 'value.id', read: () => Buffer.from([1, 2]) };
  assert.equal(identityOf([bytes], jsonRecord({ value: {} }, 0, 0)), 'bAQI=');
});

test('a null or absent part makes no identity', () => {
  assert.equal(of(['value.a'], {}), null);
  assert.equal(of(['value.a'], { a: null }), null);
  assert.equal(of(['value.a', 'value.b'], { a: 'x' }), null);
  assert.equal(of(['value.a.c'], { a: null }), null);
  assert.notEqual(of(['value.a'], { a: '' }), null, 'an empty text is a value');
});
