import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { GivenEvent } from '../event-sources.ts';
import { Pump } from './produce.ts';

/** `fails`: the type whose events are refused. */
function pumped(types: readonly string[], fails?: string) {
  const rest = types.map((type, i): GivenEvent => ({ type, value: {}, line: i + 1 }));
  const parts: string[] = [];
  const writer = {
    to: 'there',
    async write(events: readonly GivenEvent[], written: (events: number) => void) {
      for (const type of new Set(events.map((event) => event.type))) {
        if (type === fails) throw new Error(`no ${type}`);
        const some = events.filter((event) => event.type === type).length;
        parts.push(`${type} ${some}`);
        written(some);
      }
    },
    close: async () => {},
  };
  const pump = new Pump(async () => rest.shift(), writer, Number.POSITIVE_INFINITY);
  return { pump, parts };
}

const rows: readonly [types: string, fails: string | undefined, sent: number][] = [
  ['', undefined, 0],
  ['a', undefined, 1],
  ['a b a', undefined, 3],
  ['a b', 'b', 1],
  ['a a b c', 'b', 2],
  ['a b b', 'a', 0],
  ['a b c', 'c', 2],
];
for (const [types, fails, sent] of rows) {
  test(`of "${types}"${fails === undefined ? '' : `, where ${fails} is refused`}: ${sent} sent`, async () => {
    const { pump } = pumped(types === '' ? [] : types.split(' '), fails);
    const run = pump.run(0, () => false);
    if (fails === undefined) await run;
    else await assert.rejects(run, new RegExp(`no ${fails}`));
    assert.equal(pump.sent, sent);
  });
}

test('nothing is sent after it was stopped', async () => {
  const { pump, parts } = pumped(['a', 'b']);
  await pump.run(0, () => true);
  assert.deepEqual([pump.sent, parts], [0, []]);
});
