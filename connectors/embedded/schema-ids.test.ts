import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { HandClock } from '../../core/clock.ts';
import { openEmbeddedLog } from './log.ts';
import { openSchemaIds } from './schema-ids.ts';

test('one text has one id, for ever; versions are in order of registration', async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'carillon-schemas-'));
  t.after(() => rmSync(dir, { recursive: true }));
  const clock = new HandClock(0);
  const first = openEmbeddedLog({ dir, clock });
  const ids = openSchemaIds(first);
  assert.equal(await ids.fetch(1), null);
  assert.equal(await ids.version('a-value', 'latest'), null);
  const one = await ids.register('a-value', '{"type": "string"}');
  const two = await ids.register('a-value', '"long"');
  assert.notEqual(one, two);
  assert.equal(await ids.register('a-value', '{\n  "type":"string"\n}'), one);
  assert.equal(await ids.register('b-value', '{"type":"string"}'), one);
  await first.close();

  const second = openEmbeddedLog({ dir, clock });
  const again = openSchemaIds(second);
  assert.equal(await again.register('c-value', '"long"'), two);
  assert.equal(await again.fetch(one), '{"type":"string"}');
  assert.deepEqual(await again.subjects(), ['a-value', 'b-value', 'c-value']);
  assert.deepEqual(await again.versions('a-value'), [1, 2]);
  assert.deepEqual(await again.versions('none'), []);
  const latest = { id: two, version: 2, schema: '"long"' };
  assert.deepEqual(await again.version('a-value', 'latest'), latest);
  assert.deepEqual(await again.version('a-value', 1), {
    id: one,
    version: 1,
    schema: '{"type":"string"}',
  });
  assert.equal(await again.version('a-value', 3), null);
  await second.close();
});
