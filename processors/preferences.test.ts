import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TRANSPORTS, type Transport } from '../core/device.ts';
import type { Record } from '../core/record.ts';
import { StepBench } from '../test/kit/steps.ts';
import { preferences } from './preferences.ts';

/** The bench's use case is `t`. */
const row = (useCases: { readonly [useCase: string]: readonly Transport[] }) => ({
  memberId: 'm',
  timeZone: null,
  useCases: Object.entries(useCases).map(([useCase, transports]) => ({ useCase, transports })),
});
const bits = (...names: readonly Transport[]) =>
  names.reduce((all, name) => all | (1 << TRANSPORTS.indexOf(name)), 0);
const ANY = -1;

const rows: readonly [string, unknown, string, number, object?][] = [
  // what, the member's row, verdict, transports that are left, counts
  ['no row', undefined, 'passed', ANY, { no_word: 1 }],
  ['a row without a word', row({}), 'passed', ANY, { no_word: 1 }],
  ['a word of another use case', row({ u: [] }), 'passed', ANY, { no_word: 1 }],
  ['all transports', row({ t: TRANSPORTS }), 'passed', ANY, {}],
  ['one transport', row({ t: ['fcm'] }), 'passed', bits('fcm'), { narrowed: 1 }],
  ['the same one twice', row({ t: ['fcm', 'fcm'] }), 'passed', bits('fcm')],
  ['two, in any order', row({ t: ['inbox', 'websocket'] }), 'passed', bits('websocket', 'inbox')],
  ['none', row({ t: [] }), 'dropped unwanted', ANY, {}],
  ['a word for all', row({ '*': ['apns'] }), 'passed', bits('apns')],
  ['none for all', row({ '*': [] }), 'dropped unwanted', ANY],
  ['its own word goes first', row({ '*': [], t: ['fcm'] }), 'passed', bits('fcm')],
  ['its own none goes first', row({ '*': ['fcm'], t: [] }), 'dropped unwanted', ANY],
  ['another word and one for all', row({ u: ['fcm'], '*': ['apns'] }), 'passed', bits('apns')],
];

for (const [it, of, verdict, left, counts] of rows) {
  test(`${it}: ${verdict}`, () => {
    const members = of === undefined ? {} : { 'm-1': of };
    const bench = new StepBench(preferences, { table: 'members' }, { tables: { members } });
    assert.equal(bench.feed({ key: 'm-1', value: {} }), verdict);
    const seen = bench.takeOut().map(({ transports }) => transports);
    assert.deepEqual(seen, verdict === 'passed' ? [left] : []);
    if (counts !== undefined) assert.deepEqual(Object.fromEntries(bench.counts.counted), counts);
  });
}

const NARROW = { tables: { members: { 'm-1': row({ t: ['fcm', 'apns'] }) } } };
for (const [before, verdict, left] of [
  [bits('fcm'), 'passed', bits('fcm')],
  [bits('apns', 'inbox'), 'passed', bits('apns')],
  [bits('websocket'), 'dropped unwanted', ANY],
] as const) {
  test(`after a step that left ${before}: ${verdict}`, () => {
    const bench = new StepBench(preferences, { table: 'members' }, NARROW);
    const prepare = (record: Record) => {
      record.transports = before;
    };
    assert.equal(bench.feed({ key: 'm-1', value: {}, prepare }), verdict);
    assert.deepEqual(
      bench.takeOut().map(({ transports }) => transports),
      verdict === 'passed' ? [left] : [],
    );
  });
}

for (const [it, given, fed, verdict] of [
  ['without consent nothing', { unset: 'drop' }, { key: 'm-9', value: {} }, 'dropped unset'],
  ['without a key nobody is asked', { unset: 'drop' }, { key: null, value: {} }, 'dropped unset'],
  ['a null member', { by: 'value.who', unset: 'drop' }, { value: { who: null } }, 'dropped unset'],
  ['a member that is a number', { by: 'value.who' }, { value: { who: 1 } }, 'passed'],
  [
    'a member that a field names',
    { by: 'value.who', unset: 'drop' },
    { value: { who: 'm-1' } },
    'passed',
  ],
  ['a name of an object', { unset: 'drop' }, { key: 'constructor', value: {} }, 'dropped unset'],
] as const) {
  test(`${it}: ${verdict}`, () => {
    const bench = new StepBench(preferences, { table: 'members', ...given }, NARROW);
    assert.equal(bench.feed(fed), verdict);
  });
}
