import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CarillonError } from '../../core/error.ts';
import type { Applied } from './applied.ts';
import { refuseOtherWords } from './other-words.ts';

const lanes = [{}] as unknown as Applied['lanes'];
const of = (names: string | undefined, more: Partial<Applied> = {}): Applied =>
  ({ lanes, ...(names && { priorities: names.split(' ') }), ...more }) as Applied;

const rows: readonly [what: string, was: Applied | null, is: Applied, refused?: RegExp][] = [
  ['nothing ran before', null, of('a b')],
  ['the same', of('a b'), of('a b')],
  ["RENO's, left out and written", of(undefined), of('critical high normal low')],
  ['one more behind them', of(undefined), of('critical high normal low bulk')],
  ['without lanes before', of(undefined, { lanes: [] }), of('a b')],
  ['without lanes now', of('a b'), of(undefined, { lanes: [] })],
  ['renamed', of('a b'), of('a c'), /were a, b, and are a, c: "b" is called "c"/],
  ['another order', of('a b c'), of('a c b'), /"b" has another place/],
  ['one more before them', of('a b'), of('x a b'), /"a" has another place/],
  ['one less', of('a b c'), of('a b'), /"c" is gone/],
  ['one less in between', of('a b c'), of('a c'), /"b" is gone/],
  ["RENO's no more", of(undefined), of('a'), /"critical" is called "a"/],
];
const has = (names: string | undefined): Applied =>
  of(undefined, names === undefined ? {} : { deviceClasses: names.split(' ') });
const RENO = 'mobile tablet tv stick set-top web';
const classes: readonly [what: string, was: Applied | null, is: Applied, refused?: RegExp][] = [
  ['nothing ran before', null, has('phone')],
  ["RENO's, left out and written", has(undefined), has(RENO)],
  ['one more behind them', has(undefined), has(`${RENO} watch`)],
  ['without lanes before', of(undefined, { lanes: [] }), has('phone')],
  [
    'renamed',
    has('phone kiosk'),
    has('phone desk'),
    /were phone, kiosk, and are phone, desk: "kiosk" is called "desk"/,
  ],
  ['another order', has('phone kiosk'), has('kiosk phone'), /"phone" has another place/],
  ['one less', has('phone kiosk'), has('phone'), /"kiosk" is gone/],
  ["RENO's no more", has(undefined), has('phone'), /"mobile" is called "phone"/],
  ['written no more', has('phone'), has(undefined), /"phone" is called "mobile"/],
];
for (const [what, was, is, refused] of classes) {
  test(`classes of device: ${what}`, () => {
    const compare = () => refuseOtherWords(was, is);
    if (refused === undefined) return compare();
    assert.throws(compare, (error: CarillonError) => {
      assert.equal(error.code, 'CAR370');
      assert.match(error.what, refused);
      return true;
    });
  });
}

for (const [what, was, is, refused] of rows) {
  test(`priorities: ${what}`, () => {
    const compare = () => refuseOtherWords(was, is);
    if (refused === undefined) return compare();
    assert.throws(compare, (error: CarillonError) => {
      assert.equal(error.code, 'CAR950');
      assert.match(error.what, refused);
      return true;
    });
  });
}
