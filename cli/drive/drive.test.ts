/** The driver protocol, line by line: what docs/reference/driver-protocol.md promises. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { CarillonError } from '../../core/error.ts';
import { readSchemaFolder } from '../../schemas/folder.ts';
import { lanesWith, planChange, planChanges, planOf, START_MS } from '../../test/kit/drive.ts';
import { Drive, type DriveOptions } from './drive.ts';

const folder = readSchemaFolder(new URL('../../schemas', import.meta.url).pathname);
const COALESCE =
  '      - coalesce: { by: [value.memberId], quiet: 2s, at_most: 5s, keys_max: 9, on_full: drop }\n';
const PLAIN = lanesWith(planChanges({}));
const HOLDING = lanesWith(planChanges({ steps: COALESCE }));

// biome-ignore lint/suspicious/noExplicitAny: lines are JSON, and asserted on.
type Line = { readonly [field: string]: any };

interface Driven {
  readonly lines: readonly Line[];
  readonly agrees: boolean;
}

async function drive(
  text: string,
  input: readonly (Line | string)[],
  options: Partial<DriveOptions> = {},
): Promise<Driven> {
  const out: string[] = [];
  const all = { plan: planOf(text), folder, partitions: 1, commitEvery: 1, drops: false };
  const driving = await Drive.open({ ...all, ...options }, (line) => out.push(line));
  for (const line of input) {
    await driving.input(typeof line === 'string' ? line : JSON.stringify(line));
  }
  const agrees = await driving.end();
  return { lines: out.map((line) => JSON.parse(line)), agrees };
}

const registration = (deviceId: string, more: Line = {}): Line => ({
  topic: 'events.device-registration',
  key: deviceId,
  value: { deviceId, action: 'REGISTERED', memberId: 'm-1', occurredAt: START_MS, ...more },
});
const event = (eventId: string, more: Line = {}): Line => ({
  topic: 'events.plan-change',
  key: 'm-1',
  value: planChange(eventId, 'm-1'),
  ...more,
});

const topicsOf = (lines: readonly Line[]) => lines.flatMap(({ topic }) => topic ?? []);
const tables = ['tables.device-owners', 't.devices.register-repartition', 'tables.devices'];

test('a record is answered by what it leads to, in order, before the next', async () => {
  const { lines, agrees } = await drive(PLAIN, [registration('tv-1'), '', event('e1')]);
  const lane = 'notifications.critical.inbox';
  assert.ok(agrees);
  assert.deepEqual(topicsOf(lines), [...tables, lane]);
  const told = lines.find(({ topic }) => topic === lane)!;
  assert.deepEqual(Object.keys(told), [
    'topic',
    'partition',
    'key',
    'value',
    'timestamp',
    'headers',
  ]);
  assert.equal(told.value.payload.eventId, 'e1');
  const sink = lines.at(-2)!;
  const { id, value, ...rest } = sink;
  assert.equal(id, told.value.id);
  assert.equal(value.eventId, 'e1');
  assert.deepEqual(rest, {
    sink: 'inbox',
    outcome: 'delivered',
    priority: 'critical',
    key: 'tv-1',
    at: START_MS,
    useCase: 'plan-change',
    sequence: 1,
    previous: 0,
    epoch: 1,
    count: 1,
    deadline: 0,
    attempt: 1,
  });
  assert.deepEqual(lines.at(-1), {
    end: {
      in: 3,
      passed: 3,
      dropped: {},
      dead_letters: 0,
      held: 0,
      out: { [lane]: 1, ...Object.fromEntries(tables.toSorted().map((topic) => [topic, 1])) },
    },
  });
});

test('tombstone, raw bytes, headers, time and partition', async () => {
  const input = [
    event('e1', { value: null, headers: { trace: 'abc' } }),
    { topic: 'events.plan-change', key: null, raw: 'AQID', timestamp: 7, partition: 1 },
  ];
  const { lines, agrees } = await drive(PLAIN, input, { partitions: 3 });
  assert.ok(agrees);
  const [tombstone, raw] = lines;
  assert.equal(tombstone!.value, null);
  assert.equal(tombstone!.headers.trace, 'abc');
  assert.equal(tombstone!.headers['carillon.code'], 'CAR509');
  assert.equal(tombstone!.timestamp, START_MS);
  assert.deepEqual([raw!.key, raw!.raw, raw!.timestamp, raw!.partition], [null, 'AQID', 7, 1]);
  assert.equal(raw!.headers['carillon.code'], 'CAR501');
  assert.equal(lines.at(-1)!.end.dead_letters, 2);
});

test('advance fires timers at their own time', async () => {
  const input = [
    registration('tv-1'),
    event('e1'),
    { advance: '1s' },
    event('e2'),
    { advance: '1h' },
  ];
  const { lines } = await drive(HOLDING, input, { drops: true });
  const sink = lines.find((line) => line.sink === 'inbox')!;
  assert.deepEqual([sink.at - START_MS, sink.count, sink.value.eventId], [3_000, 2, 'e2']);
  assert.deepEqual(
    lines.filter(({ drop }) => drop !== undefined),
    [
      {
        drop: {
          stream: 'plan-change',
          step: 'coalesce',
          reason: 'superseded',
          topic: 'events.plan-change',
          partition: 0,
          offset: 0,
        },
      },
    ],
  );
});

test('without --drops no drop is told, but it is counted', async () => {
  const { lines } = await drive(PLAIN, [event('e1')]);
  assert.equal(lines.length, 1);
  assert.deepEqual(lines[0]!.end.dropped, { no_devices: 1 });
});

test('with --commit-every nothing is visible before its commit', async () => {
  const input = [registration('tv-1'), { commit: true }, event('e1'), event('e2'), event('e3')];
  const seen = async (more: readonly Line[]) => {
    const { lines } = await drive(
      PLAIN,
      [...input, ...more, { query: { store: 'critical/numbers' } }],
      {
        commitEvery: 10,
      },
    );
    const at = lines.findIndex(({ store }) => store !== undefined);
    const shown = lines.slice(0, at < 0 ? lines.length : at);
    return [shown.filter(({ sink }) => sink !== undefined).length, lines.at(-1)!.end.passed];
  };
  assert.deepEqual(await seen([]), [0, 5], 'the end commits');
  assert.deepEqual(await seen([{ commit: true }]), [3, 5]);
  assert.deepEqual(await seen([{ crash: true }]), [0, 5], 'they are read again');
  assert.deepEqual(await seen([{ restart: true }]), [3, 5]);
});

test('a query shows the rows of a store: of a key, of all, of none', async () => {
  const held = [registration('tv-1'), event('e1'), event('e2')];
  const rows = async (query: Line) => {
    const { lines } = await drive(HOLDING, [...held, { query }]);
    return lines.filter(({ store }) => store !== undefined);
  };
  const [row, ...others] = await rows({ store: 'plan-change/coalesce' });
  assert.equal(others.length, 0);
  assert.equal(row!.value.newest.value.eventId, 'e2');
  assert.equal(row!.value.newest.count, 2);
  assert.deepEqual(await rows({ store: 'plan-change/coalesce', key: row!.key }), [row]);
  assert.deepEqual(await rows({ store: 'plan-change/coalesce', key: 'x' }), []);
});

test('the clock starts where it is told to', async () => {
  const at = Date.UTC(2027, 5, 1);
  const { lines } = await drive(PLAIN, [event('e1', { value: null })], { startMs: at });
  assert.equal(lines[0]!.timestamp, at);
});

const good = event('e1');
for (const [line, what, mend] of [
  ['{"topic":', /^it is not JSON/, undefined],
  ['[1]', /^it is not a JSON object/, undefined],
  ['{}', /^it is none of topic, advance, commit, restart, crash, query/, undefined],
  [{ commit: true, crash: true }, /^it is more than one of/, undefined],
  [{ commit: false }, /^"commit" is true/, undefined],
  [{ ...good, valu: 1 }, /^a line with "topic" has no "valu"/, 'did you mean "value"?'],
  [
    { ...good, topic: 'events.plan-chang' },
    /is not a topic of the topology/,
    'did you mean "events.plan-change"?',
  ],
  [{ ...good, key: 7 }, /^"key" is a text or null/, undefined],
  [{ topic: good.topic, value: null }, /^"key" is a text or null/, undefined],
  [{ topic: good.topic, key: 'm-1' }, /^it has neither "value" nor "raw"/, undefined],
  [{ ...good, raw: 'AQID' }, /^it has both "value" and "raw"/, undefined],
  [{ topic: good.topic, key: 'm-1', raw: 'no base64!' }, /^"raw" is bytes in base64/, undefined],
  [{ ...good, timestamp: 1.5 }, /^"timestamp" is a whole number/, undefined],
  [{ ...good, timestamp: '2026' }, /^"timestamp" is a whole number/, undefined],
  [{ ...good, partition: 3 }, /^"partition" is a whole number from 0 to 2/, undefined],
  [{ ...good, partition: -1 }, /^"partition" is a whole number from 0 to 2/, undefined],
  [{ ...good, headers: { a: 1 } }, /^"headers" is an object of texts/, undefined],
  [{ ...good, headers: 'x' }, /^"headers" is an object of texts/, undefined],
  [
    { ...good, value: { eventId: 1 } },
    /the value is not a PlanChange: .*\/eventId: expected string/,
    undefined,
  ],
  [
    { topic: 'dead-letters', key: 'm-1', value: {} },
    /has no schema: give its bytes as "raw"/,
    undefined,
  ],
  [{ advance: 5 }, /^"advance" is a duration/, undefined],
  [{ advance: '5' }, /^"advance" is a duration/, undefined],
  [{ query: null }, /^a query names a store/, undefined],
  [{ query: { store: 'critical/number' } }, /is not a store of the topology/, undefined],
  [{ query: { store: 'critical/numbers', key: 1 } }, /^the key is a text/, undefined],
] as const) {
  const text = typeof line === 'string' ? line : JSON.stringify(line);
  test(`CAR940, with the number of the line: ${text.slice(0, 70)}`, async () => {
    const input = [{ advance: '1s' }, '', text];
    await assert.rejects(drive(PLAIN, input, { partitions: 3 }), (error: unknown) => {
      assert.ok(error instanceof CarillonError, String(error));
      assert.equal(error.code, 'CAR940');
      assert.match(error.what, what);
      assert.deepEqual(error.where, { file: '<stdin>', line: 3 });
      if (mend !== undefined) assert.equal(error.mend, mend);
      return true;
    });
  });
}

for (const partitions of [1, 4]) {
  test(`the same feed gives the same bytes, with ${partitions} partition(s)`, async () => {
    const input = [1, 2, 3, 4].flatMap((n) => [
      registration(`tv-${n}`, { memberId: `m-${n}` }),
      { topic: 'events.plan-change', key: `m-${n}`, value: planChange('e', `m-${n}`) },
      n === 2 ? { crash: true } : { advance: '1s' },
    ]);
    const run = async () =>
      JSON.stringify((await drive(HOLDING, input, { partitions, commitEvery: 3 })).lines);
    assert.equal(await run(), await run());
  });
}

test('a live sink is told with its answers; the others record', async () => {
  const outcomes = [
    { kind: 'retry', scope: 'device', why: 'busy', afterMs: 2_000 },
    { kind: 'rejected', reason: 'refused' },
  ] as const;
  let asked = 0;
  const sinks = `sinks:
  fcm:   { from: { lane: notifications, transport: fcm }, to: { type: fcm, project: p } }
  inbox: { from: { lane: notifications, transport: all }, to: { type: inbox, ttl: 7d } }
`;
  const transports = [{ kind: 'fcm', token: 'a-token' }];
  const input = [registration('ph-1', { transports }), event('e1'), { advance: '5s' }];
  const { lines } = await drive(lanesWith(planChanges({}), sinks, ['fcm', 'inbox']), input, {
    openSink: async ({ name }) =>
      name === 'inbox'
        ? null
        : {
            probe: async () => {},
            close: async () => {},
            deliver: async (batch) => batch.map(() => outcomes[asked++]!),
          },
  });
  const told = lines.filter(({ sink }) => sink !== undefined);
  assert.deepEqual(
    told.map(({ sink, outcome, why, reason, afterMs, at }) => [
      sink,
      outcome,
      why ?? reason,
      afterMs,
      at - START_MS,
    ]),
    [
      ['fcm', 'retry', 'busy', 2_000, 0],
      ['inbox', 'delivered', undefined, undefined, 0],
      ['fcm', 'rejected', 'refused', undefined, 2_000],
    ],
  );
});

for (const [what, words, input, status, stdout, stderr] of [
  ['an end', [], '{"advance":"1s"}\n', 0, /^\{"end":\{"in":0/, /^$/],
  [
    'a bad line',
    [],
    '{"advance":"1s"}\n{"advance":1}\n',
    1,
    /^$/,
    /^<stdin>:2\s+error CAR940 bad-driver-line\n/,
  ],
  ['a bad option', ['--partitions', '0'], '', 2, /^$/, /CAR900/],
] as const) {
  test(`exit status ${status} after ${what}`, () => {
    const cli = new URL('../carillon.ts', import.meta.url).pathname;
    const topology = new URL('../../topology/reno.yaml', import.meta.url).pathname;
    const child = spawnSync(process.execPath, [cli, 'drive', topology, ...words], {
      input,
      encoding: 'utf8',
      cwd: new URL('../..', import.meta.url).pathname,
    });
    assert.equal(child.status, status, child.stderr);
    assert.match(child.stdout, stdout);
    assert.match(child.stderr, stderr);
  });
}
