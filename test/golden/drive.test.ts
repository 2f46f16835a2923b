/**
 * Whole feeds through the driver protocol, byte for byte: golden files beside this one, and the
 * example of docs/reference/driver-protocol.md. `UPDATE=1` rewrites what they print.
 */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { Drive } from '../../cli/drive/drive.ts';
import { planOf } from '../kit/drive.ts';
import { shippedOnly } from '../kit/shipped.ts';
import { schemas } from './example.ts';

const at = (path: string) => new URL(`../../${path}`, import.meta.url);
const read = (path: string) => readFileSync(at(path), 'utf8');
const isUpdate = process.env.UPDATE === '1';

async function driven(feed: string, partitions: number): Promise<string> {
  const plan = planOf(shippedOnly(read('topology/reno.yaml')));
  let out = '';
  const options = { plan, folder: schemas, partitions, commitEvery: 1, drops: true };
  const driving = await Drive.open(options, (line) => {
    out += `${line}\n`;
  });
  for (const line of feed.split('\n')) await driving.input(line);
  assert.ok(await driving.end(), 'the sums agree');
  return out;
}

for (const partitions of [1, 3]) {
  test(`reno.feed.jsonl with ${partitions} partition(s)`, async () => {
    const golden = `test/golden/drive/reno.out-${partitions}.jsonl`;
    const out = await driven(read('test/golden/drive/reno.feed.jsonl'), partitions);
    if (isUpdate) writeFileSync(at(golden), out);
    assert.deepEqual(out.split('\n'), read(golden).split('\n'));
  });
}

test('the example of the reference page prints what the page says', async () => {
  const page = 'docs/reference/driver-protocol.md';
  const text = read(page);
  const [, feed] = /^```json feed\n([\s\S]*?)^```$/m.exec(text)!;
  const out = await driven(feed!, 1);
  const shown = text.replace(
    /^(```json output\n)[\s\S]*?(^```$)/m,
    (_, from, to) => from + out + to,
  );
  if (isUpdate) writeFileSync(at(page), shown);
  assert.equal(isUpdate ? read(page) : text, shown);
});
