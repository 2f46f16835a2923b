import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { type GivenEvent, lineSource, sampleSource } from './event-sources.ts';

const folder = mkdtempSync(join(tmpdir(), 'carillon-lines-'));
after(() => rmSync(folder, { recursive: true }));

async function all(text: string, type?: string): Promise<GivenEvent[]> {
  const file = join(folder, 'events.jsonl');
  writeFileSync(file, text);
  const source = lineSource(file, type);
  const events: GivenEvent[] = [];
  for (;;) {
    const event = await source(0);
    if (event === undefined) return events;
    events.push(event);
  }
}

test('lines say their type, or all have the one that was named', async () => {
  assert.deepEqual(await all('{"type":"a","value":{"x":1}}\n\n{"type":"b","value":{}}'), [
    { type: 'a', value: { x: 1 }, line: 1 },
    { type: 'b', value: {}, line: 3 },
  ]);
  assert.deepEqual(await all('{"x":1}', 'a'), [{ type: 'a', value: { x: 1 }, line: 1 }]);
});

const wrong: readonly [string, string][] = [
  ['not JSON', '{"type":'],
  ['not an object', '[1]'],
  ['no type', '{"x":1}'],
];
for (const [what, line] of wrong) {
  test(`a line that is ${what} is told with its number`, async () => {
    const good = '{"type":"a","value":{}}';
    await assert.rejects(all(`${good}\n${line}\n`), (error: { code: string; where: object }) => {
      assert.equal(error.code, 'CAR909');
      assert.deepEqual(error.where, { file: join(folder, 'events.jsonl'), line: 2 });
      return true;
    });
  });
}

test('a file that is not there, asked at once and when its error has come already', async () => {
  await assert.rejects(lineSource(join(folder, 'none'), undefined)(0), { code: 'CAR902' });
  const late = lineSource(join(folder, 'none'), undefined);
  await assert.rejects(readFile(join(folder, 'none')));
  await new Promise((resolve) => setImmediate(resolve));
  await assert.rejects(late(0), { code: 'CAR902', what: 'there is no such file.' });
});

test('samples give a key beside the event only where the event has none of its own', async () => {
  const fields = [{ name: 'id', type: 'string' }];
  const record = { type: 'record', name: 'E', fields } as const;
  const of = (type: string, key: readonly string[] | null) => ({
    ...{ type, record, key, time: null, id: ['id'] },
  });
  const source = sampleSource({
    ...{ seed: 1, run: 'r', members: 3, mistakes: false },
    types: ['plan-change'],
    bySchema: [of('of-a-member', ['id']), of('of-nobody', null)],
  });
  const keys = new Map<string, boolean>();
  for (let n = 0; n < 100; n++) {
    const event = (await source(1_000))!;
    keys.set(event.type, event.key !== undefined);
  }
  const expected = { 'of-a-member': false, 'of-nobody': true, 'plan-change': false };
  assert.deepEqual(Object.fromEntries([...keys].sort()), expected);
});
