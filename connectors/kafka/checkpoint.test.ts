import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { HandClock } from '../../core/clock.ts';
import { ERROR_TABLE } from '../../core/error-table.ts';
import { type ChangelogNow, type CheckpointOf, Checkpoints } from './checkpoint.ts';
import { silent } from './client.ts';

const START_MS = Date.UTC(2026, 0, 1);
const HOUR_MS = 3_600_000;
const folder = mkdtempSync(join(tmpdir(), 'carillon-checkpoints-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const OF: CheckpointOf = {
  group: 'reno.streams.high',
  partition: 3,
  topologyHash: 'h',
  stores: [
    { store: 's', changelog: 's-changelog' },
    { store: 't', changelog: 't-changelog' },
  ],
};
const COVERED = [
  { changelog: 's-changelog', id: 'id-s', offset: 70 },
  { changelog: 't-changelog', id: 'id-t', offset: 9 },
];
const NOW: { readonly [changelog: string]: ChangelogNow } = {
  's-changelog': { id: 'id-s', low: 10, end: 80, noted: 69 },
  't-changelog': { id: 'id-t', low: 0, end: 9, noted: undefined },
};
const ROWS = [
  { store: 's', bytes: Buffer.from('one') },
  { store: 't', bytes: Buffer.from('two') },
  { store: 's', bytes: Buffer.alloc(3 * 1024 * 1024, 7) },
];

let worlds = 0;

function world() {
  const said: { readonly code?: string; readonly why?: string }[] = [];
  const clock = new HandClock(START_MS);
  const logger = { ...silent, warn: (facts: object) => void said.push(facts) };
  const own = join(folder, String(++worlds));
  return { said, clock, own, checkpoints: new Checkpoints(own, clock, logger) };
}

const mapOf = (now: { readonly [changelog: string]: ChangelogNow }) => new Map(Object.entries(now));
const with_ = (changelog: string, more: Partial<ChangelogNow>) => ({
  ...NOW,
  [changelog]: { ...NOW[changelog]!, ...more },
});

test('what was written is found again: where to read on, and all rows', async () => {
  const { checkpoints, said, own } = world();
  assert.equal(await checkpoints.find(OF, mapOf(NOW)), undefined, 'there is none yet');
  await checkpoints.write(OF, COVERED, ROWS);
  const found = await checkpoints.find(OF, mapOf(NOW));
  assert.deepEqual(
    found?.offsets,
    new Map([
      ['s-changelog', 70],
      ['t-changelog', 9],
    ]),
  );
  const rows: { readonly store: string; readonly bytes: Buffer }[] = [];
  for await (const one of found!.batches()) rows.push(one);
  assert.deepEqual(rows, ROWS);
  assert.deepEqual(said, []);
  assert.deepEqual(readdirSync(dirname(checkpoints.pathOf(OF))), ['3.state']);
  assert.ok(checkpoints.pathOf(OF).startsWith(own));
  assert.equal(await checkpoints.find({ ...OF, partition: 4 }, mapOf(NOW)), undefined);
  assert.deepEqual(said, [], 'another task has another file');
});

test('a newer one takes the place of an older one', async () => {
  const { checkpoints } = world();
  await checkpoints.write(OF, COVERED, ROWS);
  await checkpoints.write(OF, [{ ...COVERED[0]!, offset: 75 }, COVERED[1]!], []);
  const now = with_('s-changelog', { noted: 74 });
  const found = await checkpoints.find(OF, mapOf(now));
  assert.equal(found?.offsets.get('s-changelog'), 75);
  for await (const one of found!.batches()) assert.fail(String(one));
});

const flip = (at: (size: number) => number) => (path: string) => {
  const bytes = readFileSync(path);
  const n = at(bytes.length);
  bytes[n] = bytes[n]! ^ 1;
  writeFileSync(path, bytes);
};
const cut = (size: (size: number) => number) => (path: string) => {
  const bytes = readFileSync(path);
  writeFileSync(path, bytes.subarray(0, size(bytes.length)));
};
const NOT_AS_WRITTEN = 'it is not as it was written';

const faults: readonly {
  readonly it: string;
  readonly why: string;
  readonly spoil?: (path: string) => void;
  readonly of?: Partial<CheckpointOf>;
  readonly now?: { readonly [changelog: string]: ChangelogNow };
  readonly afterMs?: number;
}[] = [
  { it: 'a bit of its rows', why: NOT_AS_WRITTEN, spoil: flip((size) => size - 100) },
  { it: 'a bit of its first line', why: NOT_AS_WRITTEN, spoil: flip(() => 3) },
  { it: 'a bit of its hash', why: NOT_AS_WRITTEN, spoil: flip((size) => size - 1) },
  { it: 'its end is gone', why: NOT_AS_WRITTEN, spoil: cut((size) => size - 1) },
  { it: 'half of it is gone', why: NOT_AS_WRITTEN, spoil: cut((size) => size / 2) },
  { it: 'it is empty', why: NOT_AS_WRITTEN, spoil: cut(() => 0) },
  { it: 'another file', why: NOT_AS_WRITTEN, spoil: (path) => writeFileSync(path, 'x'.repeat(99)) },
  { it: 'another topology', why: 'it is of another topology', of: { topologyHash: 'i' } },
  { it: 'a store less', why: 'it has other stores', of: { stores: OF.stores.slice(0, 1) } },
  {
    it: 'a changelog that was made again',
    why: 't-changelog is another topic of that name',
    now: with_('t-changelog', { id: 'id-u' }),
  },
  {
    it: 'a client that cannot tell topics apart',
    why: 't-changelog is another topic of that name',
    now: with_('t-changelog', { id: '' }),
  },
  {
    it: 'a changelog that has lost its end',
    why: 'it is ahead of s-changelog (70 > 69)',
    now: with_('s-changelog', { end: 69 }),
  },
  {
    it: 'a changelog whose beginning is gone',
    why: 's-changelog begins behind it (71 > 70)',
    now: with_('s-changelog', { low: 71 }),
  },
  {
    it: 'a position that was set back',
    why: 'it is ahead of what was committed of s-changelog',
    now: with_('s-changelog', { noted: 68 }),
  },
  {
    it: 'a changelog that nobody knows',
    why: 'it lacks t-changelog',
    now: { 's-changelog': NOW['s-changelog']! },
  },
  { it: 'too old', why: 'it is older than 12 hours', afterMs: 12 * HOUR_MS + 1 },
];

for (const { it, why, spoil, of = {}, now = NOW, afterMs = 0 } of faults) {
  test(`CAR340: not trusted, and gone: ${it}`, async () => {
    const { checkpoints, said, clock } = world();
    await checkpoints.write(OF, COVERED, ROWS);
    spoil?.(checkpoints.pathOf(OF));
    clock.moveTo(START_MS + afterMs);
    assert.equal(await checkpoints.find({ ...OF, ...of }, mapOf(now)), undefined);
    const { group, partition } = OF;
    assert.deepEqual(said, [{ code: 'CAR340', group, partition, why }]);
    assert.deepEqual(readdirSync(dirname(checkpoints.pathOf(OF))), []);
    assert.equal(ERROR_TABLE.CAR340.slug, 'checkpoint-not-trusted');
  });
}

test('that of another task under its name, or of a clock ahead, is not trusted', async () => {
  for (const [why, of, atMs] of [
    ['it is of another task', { ...OF, partition: 4 }, START_MS],
    ['it was written in the future', OF, START_MS + 1],
  ] as const) {
    const { checkpoints, said, own } = world();
    const writer = new Checkpoints(own, new HandClock(atMs), silent);
    await writer.write(of, COVERED, ROWS);
    const bytes = readFileSync(writer.pathOf(of));
    writeFileSync(checkpoints.pathOf(OF), bytes);
    assert.equal(await checkpoints.find(OF, mapOf(NOW)), undefined);
    assert.deepEqual(
      said.map((one) => one.why),
      [why],
    );
  }
});

test('just young enough, and just not ahead', async () => {
  const { checkpoints, said, clock } = world();
  await checkpoints.write(OF, COVERED, ROWS);
  clock.moveTo(START_MS + 12 * HOUR_MS);
  const now = with_('s-changelog', { low: 70, end: 70, noted: 69 });
  assert.notEqual(await checkpoints.find(OF, mapOf(now)), undefined);
  assert.deepEqual(said, []);
});

test('nothing is kept of changelogs whose topics or ends are not known', async () => {
  const { checkpoints, own } = world();
  await checkpoints.write(OF, COVERED.slice(0, 1), ROWS);
  await checkpoints.write(OF, [{ ...COVERED[0]!, id: '' }, COVERED[1]!], ROWS);
  assert.throws(() => readdirSync(own), /ENOENT/);
});

test('CAR341: a folder that cannot be written to is said, and ends nothing', async () => {
  const { said, own, clock } = world();
  writeFileSync(own, 'a file');
  const logger = { ...silent, warn: (facts: object) => void said.push(facts) };
  const checkpoints = new Checkpoints(own, clock, logger);
  await checkpoints.write(OF, COVERED, ROWS);
  assert.equal(await checkpoints.find(OF, mapOf(NOW)), undefined);
  assert.deepEqual(
    said.map(({ code }) => code),
    ['CAR341', 'CAR340'],
  );
  assert.match(said[0]!.why!, /ENOTDIR|EEXIST/);
  assert.equal(ERROR_TABLE.CAR341.slug, 'checkpoint-not-written');
});

test('one that was not written to its end leaves the former one as it is', async () => {
  const { checkpoints, said } = world();
  await checkpoints.write(OF, COVERED, ROWS);
  function* broken() {
    yield ROWS[0]!;
    throw new Error('the disk is full');
  }
  await checkpoints.write(OF, COVERED, broken());
  assert.deepEqual(
    said.map(({ code, why }) => [code, why]),
    [['CAR341', 'Error: the disk is full']],
  );
  assert.notEqual(await checkpoints.find(OF, mapOf(NOW)), undefined);
});
