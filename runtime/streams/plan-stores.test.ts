import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { compile } from '../../compiler/compile.ts';
import { sinks } from '../../connectors/index.ts';
import { steps } from '../../processors/index.ts';
import { readSchemaFolder } from '../../schemas/folder.ts';
import { planStores } from './plan-stores.ts';

const root = new URL('../..', import.meta.url).pathname;

function storesIn(file: string) {
  const text = readFileSync(`${root}${file}`, 'utf8');
  const schemas = readSchemaFolder(`${root}schemas`);
  const { plan } = compile(text, { file, catalog: { steps, sinks }, schemas, env: {} });
  return planStores(plan!);
}

test('each store of a topology once, by the names of its stream, step and priority', () => {
  const found = storesIn('topology/reno.yaml');
  const shown = found
    .filter(({ path }) =>
      /^(diagnostic-signal|critical|viewing-activity|devices-fold)\//.test(path),
    )
    .map(({ path, priority, changelog, keyParts, rows }) =>
      [path, priority, changelog, keyParts, rows].join(' '),
    );
  assert.deepEqual(shown, [
    'diagnostic-signal/dedup critical reno.critical.ds.dedup-changelog 1 plain',
    'critical/numbers critical reno.critical.numbers-changelog  plain',
    'viewing-activity/dedup normal reno.normal.va.dedup-changelog 1 plain',
    'viewing-activity/coalesce normal reno.normal.va.coalesce-changelog 2 plain',
    'diagnostic-signal/dedup low reno.low.ds.dedup-changelog 1 plain',
    'devices-fold/fold_devices  reno.devices.fold.fold-devices-changelog  plain',
  ]);
  const names = found.map(({ store }) => store);
  assert.equal(new Set(names).size, names.length);
  for (const { store, open } of found) assert.deepEqual([open().name, open().size], [store, 0]);
});
