/** A step that passes all, and a test that wants one thing dropped. */
import { snake } from './names.ts';
import type { NewFile } from './new-file.ts';

export function newProcessor(name: string): readonly NewFile[] {
  const type = snake(name);
  return [
    { path: `processors/${name}.ts`, text: step(type) },
    { path: `processors/${name}.test.ts`, text: test(name, type) },
  ];
}

const step = (type: string) => `import { dropped, PASSED, path, processor, TEXT } from 'carillon';

const UNWANTED = dropped('unwanted');

export default processor.each({
  type: '${type}',
  summary: 'Keep the records that are wanted.',
  config: {
    of: path('The field by which it is decided.', TEXT),
  },
  drops: { unwanted: 'Its field says so.' },
  example: '- ${type}: { of: value.status }',
  open({ of }) {
    return (record) => {
      const value = of.read(record);
      // Here it is decided: the test beside this file says what is wanted.
      return value === undefined ? UNWANTED : PASSED;
    };
  },
});
`;

const test = (name: string, type: string) => `import assert from 'node:assert/strict';
import { test } from 'node:test';
import { drive } from 'carillon';

// Any schema will do: put one of your own in its place, and the step where your topology has it.
const TOPOLOGY = \`
topology: try-${name}
streams:
  tried:
    id: tried
    from: { topic: events.plan-change, schema: PlanChange }
    steps:
      - ${type}: { of: value.planTo }
    to: { topic: tried, schema: PlanChange }
\`;

const event = (eventId: string, planTo: string) => ({
  topic: 'events.plan-change',
  key: 'm-1',
  value: { eventId, memberId: 'm-1', planTo, changedAt: 0 },
});

test('${type} keeps what is wanted, and drops the rest', async () => {
  const driven = await drive({ text: TOPOLOGY, processors: ['processors/${name}.ts'] });
  const out = await driven.feed(event('e-1', 'wanted'), event('e-2', 'unwanted'));
  const kept = out.flatMap((line) => ('topic' in line ? [line.value.planTo] : []));
  assert.deepEqual(kept, ['wanted']);
  assert.deepEqual((await driven.end()).dropped, { unwanted: 1 });
});
`;
