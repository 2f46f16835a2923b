import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseTopologyTest } from './topology-test.ts';

const FILE = 't.test.yaml';
const GOOD = `topology: t
devices:
  - { deviceId: d-1, memberId: m-1, class: tv, transport: websocket, online: true }
tests:
  - it: tells the device
    feed:
      - { at: 500ms, stream: viewing, key: m-1, value: { eventId: e1, size: 1_000, list: [1, a, null] } }
    expect:
      - { at: 2s, sink: websocket, priority: normal, key: d-1, value: { eventId: e1 } }
      - { at: 2s, topic: out, key: d-1, value: null }
    dropped:
      - { at: 1m, step: viewing/dedup, reason: duplicate }
`;

test('a test file is read with its times, values and places', () => {
  const { test: parsed, diagnostics } = parseTopologyTest(GOOD, FILE);
  assert.deepEqual(diagnostics, []);
  const at = (line: number, column: number) => ({ file: FILE, line, column, length: 1 });
  assert.deepEqual(parsed, {
    file: FILE,
    topology: 't',
    devices: [
      {
        deviceId: 'd-1',
        memberId: 'm-1',
        class: 'tv',
        transport: 'websocket',
        online: true,
        where: at(3, 5),
      },
    ],
    tests: [
      {
        it: 'tells the device',
        where: at(5, 5),
        devices: [],
        feed: [
          {
            atMs: 500,
            stream: 'viewing',
            topic: undefined,
            key: 'm-1',
            value: { eventId: 'e1', size: 1000, list: [1, 'a', null] },
            where: at(7, 9),
          },
        ],
        expect: [
          {
            atMs: 2000,
            sink: 'websocket',
            topic: undefined,
            priority: 'normal',
            key: 'd-1',
            code: undefined,
            value: { eventId: 'e1' },
            where: at(9, 9),
          },
          {
            atMs: 2000,
            sink: undefined,
            topic: 'out',
            priority: undefined,
            key: 'd-1',
            code: undefined,
            value: null,
            where: at(10, 9),
          },
        ],
        dropped: [
          {
            atMs: 60_000,
            stream: 'viewing',
            step: 'dedup',
            reason: 'duplicate',
            count: 1,
            where: at(12, 9),
          },
        ],
      },
    ],
  });
});

const wrong: readonly [string, string, string, string][] = [
  ['an unknown key', 'sink: websocket', 'snk: websocket', '9:19 CAR104'],
  ['an unknown class', 'class: tv', 'class: tvs', '3:44 CAR109'],
  ['a time without unit', 'at: 500ms', 'at: 500', '7:15 CAR304'],
  ['both stream and topic', 'stream: viewing,', 'stream: viewing, topic: t,', '7:39 CAR103'],
  ['a step without its stream', 'step: viewing/dedup', 'step: dedup', '12:25 CAR103'],
  ['a drop without its time', '{ at: 1m, step', '{ step', '12:9 CAR105'],
  ['a drop without its reason', ', reason: duplicate', '', '12:9 CAR105'],
  ['a drop that never was', 'reason: duplicate', 'reason: duplicate, count: 0', '12:66 CAR305'],
  ['no topology', 'topology: t', 'topologi: t', '1:1 CAR104'],
  ['no name of the test', '  - it: tells the device\n    feed', '  - feed', '5:5 CAR105'],
  ['no value', ', value: { eventId: e1, size: 1_000, list: [1, a, null] }', '', '7:9 CAR105'],
  ['a word for true', 'online: true', 'online: yes', '3:78 CAR103'],
];
for (const [what, from, to, expected] of wrong) {
  test(`a test file with ${what}`, () => {
    assert.ok(GOOD.includes(from));
    const { test: parsed, diagnostics } = parseTopologyTest(GOOD.replace(from, to), FILE);
    assert.equal(parsed, undefined);
    assert.deepEqual(
      diagnostics.map(({ code, where }) => `${where.line}:${where.column} ${code}`),
      [expected],
    );
  });
}
