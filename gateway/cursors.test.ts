/** Cursors and acknowledgements that are not what the device was given: nothing is lost by them. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import {
  add,
  type Cursor,
  copyCursor,
  deviceMark,
  emptyCursor,
  formatCursor,
  parseCursor,
} from '../core/cursor.ts';
import type { InboxStore } from '../core/inbox.ts';
import { RENO_PRIORITIES } from '../core/priority.ts';
import type { NotificationFrame, UnacknowledgedFrame } from '../schemas/frames.ts';
import { Bench, type Client, eventually } from '../test/kit/gateway-bench.ts';
import { Acknowledgements } from './acknowledgements.ts';

let bench: Bench;
let device = '';
let number = 0;

before(async () => {
  bench = await Bench.open({ limits: { fillAgainMs: 20 } });
});
after(() => bench.close());
beforeEach(async () => {
  device = `tv-${++number}`;
  await bench.own(device);
});

const NORMAL = 2;
const upTo = (mark: number, more: { of?: string; epoch?: number; unbound?: boolean } = {}) => {
  const bound = more.unbound ? 0 : deviceMark(more.of ?? device);
  const cursor = emptyCursor(more.epoch ?? 1, bound);
  cursor.marks[NORMAL] = mark;
  return cursor;
};
const put = (...sequences: readonly number[]) =>
  bench.inbox.put(...sequences.map((sequence) => bench.notification(device, sequence)));
const acknowledge = (mark: number) =>
  bench.inbox.acknowledge(device, 1, formatCursor(upTo(mark, { unbound: true })));
const stored = async (): Promise<number[]> => {
  const cursor = parseCursor((await bench.inbox.acknowledged(device, 1)) ?? '');
  return cursor === undefined ? [] : [cursor.marks[NORMAL]!, ...cursor.ranges[NORMAL]!];
};
const told = async (client: Client, count: number) =>
  ((await client.take(count)) as NotificationFrame[]).map(({ sequence }) => sequence);
const pulled = async (after: Cursor) => {
  const path = `/v1/devices/${device}/notifications?after=${formatCursor(after)}`;
  const { body } = await bench.call('GET', path, { token: await bench.token(device) });
  return body.notifications.map(({ sequence }: NotificationFrame) => sequence);
};

/** With 1 to 3 in the inbox: what the device says, what is acknowledged, what it is told. */
const starts: readonly [string, () => Cursor, number, readonly number[]][] = [
  ['what it was given', () => upTo(2), 0, [3]],
  ['all that is there', () => upTo(3), 0, []],
  ['nothing', () => upTo(0), 0, [1, 2, 3]],
  ['nothing, and has acknowledged', () => upTo(0), 2, [1, 2, 3]],
  ['more than there ever was', () => upTo(30), 0, [1, 2, 3]],
  ['more than there ever was, and has acknowledged', () => upTo(30), 2, [3]],
  ['more, but it has acknowledged that', () => upTo(30), 30, []],
  ['one more than there is', () => upTo(4), 1, [2, 3]],
  ['what another device was given', () => upTo(3, { of: 'copied' }), 0, [1, 2, 3]],
  ['what another was given, and has acknowledged', () => upTo(3, { of: 'copied' }), 1, [2, 3]],
  ['what nobody was given', () => upTo(3, { unbound: true }), 0, [1, 2, 3]],
  ['what an older epoch was given', () => upTo(3, { epoch: 0 }), 0, [1, 2, 3]],
  ['what a later epoch will be given', () => upTo(3, { epoch: 2 }), 1, [2, 3]],
];
for (const [name, says, acked, expected] of starts) {
  test(`a device that says it has ${name} is told ${expected.join(', ') || 'nothing'}`, async () => {
    put(1, 2, 3);
    if (acked > 0) await acknowledge(acked);
    assert.deepEqual(await pulled(says()), expected);
    const client = await bench.connect(device, formatCursor(says()));
    assert.deepEqual(await told(client, expected.length), expected);
    const { connectionId } = client;
    await bench.deliver([{ connectionId, notification: bench.notification(device, 40) }]);
    assert.deepEqual(await told(client, 1), [40]);
  });
}

test('a range that is ahead takes nothing of another priority along', async () => {
  put(1, 2);
  bench.inbox.put(bench.notification(device, 1, { priority: 'high' }));
  const says = upTo(9);
  add(says, 1, 1);
  assert.deepEqual(await pulled(says), [1, 2]);
});

test('what comes live is told, whatever the device says it has; told twice only by two', async () => {
  put(30);
  const client = await bench.connect(device, formatCursor(upTo(30)));
  const { connectionId } = client;
  const live = [1, 2, 2].map((n) => ({
    connectionId,
    notification: bench.notification(device, n),
  }));
  assert.deepEqual(await bench.deliver(live), ['delivered', 'delivered', 'delivered']);
  const frames = (await client.take(2)) as NotificationFrame[];
  assert.deepEqual(
    frames.map(({ sequence }) => sequence),
    [1, 2],
  );
  const cursor = parseCursor(frames[1]!.cursor)!;
  assert.deepEqual([cursor.marks[NORMAL], cursor.ranges[NORMAL]], [2, []]);
  // What it said is in doubt by now: the second look into the inbox tells the rest again.
  assert.deepEqual(await told(client, 1), [30]);
  client.send({ type: 'ping' });
  assert.equal((await client.next()).type, 'pong');
});

test('expired numbers that come live again are told as skipped', async () => {
  put(5);
  const client = await bench.connect(device, formatCursor(upTo(5)));
  const { connectionId } = client;
  const old = bench.notification(device, 3, { deadline: 1 });
  assert.deepEqual(await bench.deliver([{ connectionId, notification: old }]), ['expired']);
  await bench.deliver([{ connectionId, notification: bench.notification(device, 6) }]);
  // 5 is in doubt by now and told again, before 6 or after it.
  const frames = (await client.take(2)) as NotificationFrame[];
  assert.deepEqual(frames.map(({ sequence }) => sequence).toSorted(), [5, 6]);
  assert.deepEqual(
    frames.flatMap(({ skipped }) => skipped ?? []).map(({ sequence }) => sequence),
    [3],
  );
});

const ackedBy: readonly [string, () => Cursor, UnacknowledgedFrame['reason'] | 'all', number[]][] =
  [
    ['of what was given', () => upTo(2), 'all', [2]],
    ['of all', () => upTo(3), 'all', [3]],
    ['ahead', () => upTo(30), 'not_given', [3]],
    ['of another device', () => upTo(3, { of: 'copied' }), 'other_device', []],
    ['of no device', () => upTo(3, { unbound: true }), 'other_device', []],
    ['of an older epoch', () => upTo(3, { epoch: 0 }), 'other_epoch', []],
    ['of a later epoch', () => upTo(3, { epoch: 2 }), 'other_epoch', []],
  ];
for (const [name, says, answer, marks] of ackedBy) {
  test(`a frame acknowledges by a cursor ${name}: ${answer}`, async () => {
    put(1, 2, 3);
    const client = await bench.connect(device);
    await client.take(3);
    const cursor = formatCursor(says());
    client.send({ type: 'ack', cursor });
    client.send({ type: 'ping' });
    const expected = { type: 'unacknowledged', reason: answer, asked: cursor };
    if (answer !== 'all') assert.deepEqual(await client.next(), expected);
    assert.deepEqual(await client.next(), { type: 'pong' });
    if (marks.length === 0) return assert.deepEqual(await stored(), []);
    await eventually(() => acknowledgedNow()[0] === marks[0], 'the acknowledgement');
  });

  test(`a pull acknowledges by a cursor ${name}: ${answer}`, async () => {
    put(1, 2, 3);
    const path = `/v1/devices/${device}/acknowledgements`;
    const cursor = formatCursor(says());
    const token = await bench.token(device);
    const got = await bench.call('POST', path, { token, body: { cursor } });
    assert.equal(got.status, answer === 'all' ? 204 : 200);
    const expected = { type: 'unacknowledged', reason: answer, asked: cursor };
    if (answer !== 'all') assert.deepEqual(got.body, expected);
    // What it is ahead in counts for nothing: the pull tells it again.
    const kept = answer === 'not_given' ? [0] : marks;
    assert.deepEqual(await stored(), kept.length === 0 ? [] : kept);
  });
}

test('a pull does not acknowledge by ids', async () => {
  put(1);
  const path = `/v1/devices/${device}/acknowledgements`;
  const token = await bench.token(device);
  const cursor = formatCursor(upTo(0));
  for (const [body, status] of [
    [{ ids: ['x', 1, null] }, 400],
    [{ ids: ['x'], cursor }, 400],
    [{ ids: 'x', cursor }, 400],
    [{ ids: [], cursor }, 204],
  ] as const) {
    const got = await bench.call('POST', path, { token, body });
    assert.equal(got.status, status, JSON.stringify(body));
    if (status === 400)
      assert.deepEqual([got.body.code, got.body.problems[0].path], ['CAR710', '/ids']);
  }
});

function acknowledgedNow(): number[] {
  const cursor = parseCursor(bench.inbox.acknowledgedNow(device, 1) ?? '');
  return cursor === undefined ? [] : [cursor.marks[NORMAL]!];
}

const outcomes = () => bench.values('outcomes').filter(({ deviceId }) => deviceId === device);
const ids = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, i) => `${device}/normal/${from + i}`);

test('300 ids in one go, those of an earlier connection too: all, each counted once', async () => {
  put(...Array.from({ length: 300 }, (_, i) => i + 1));
  const first = await bench.connect(device);
  const frames = (await first.take(300)) as NotificationFrame[];
  await first.close();
  const second = await bench.connect(device, frames.at(-1)!.cursor);
  second.send({ type: 'ack', ids: ids(1, 300) });
  second.send({ type: 'ack', ids: ids(1, 300) });
  await eventually(() => acknowledgedNow()[0] === 300, 'all are acknowledged');
  // The second time they are known no more, and that is told.
  assert.deepEqual(await second.next(), {
    type: 'unacknowledged',
    reason: 'unknown',
    ids: ids(1, 300),
  });
  await eventually(() => outcomes().length === 300, 'an outcome each');
  second.send({ type: 'ack', ids: ['never', `${device}/normal/301`] });
  const answer = (await second.next()) as UnacknowledgedFrame;
  assert.deepEqual(answer.ids, ['never', `${device}/normal/301`]);
  assert.equal(outcomes().length, 300);
});

test('ids that the connection has forgotten are looked for in the inbox alone', async () => {
  const small = await Bench.open({ limits: { recentMax: 2 } });
  try {
    await small.own('tv');
    const client = await small.connect('tv');
    const { connectionId } = client;
    for (const n of [1, 2, 3]) {
      await small.deliver([{ connectionId, notification: small.notification('tv', n) }]);
    }
    await client.take(3);
    client.send({ type: 'ack', ids: [1, 2, 3].map((n) => `tv/normal/${n}`) });
    const answer = (await client.next()) as UnacknowledgedFrame;
    assert.deepEqual([answer.reason, answer.ids], ['unknown', ['tv/normal/1']]);
  } finally {
    await small.close();
  }
});

test('marks of another epoch are not those of this one, whatever a store says', async () => {
  const inbox = {
    priorities: RENO_PRIORITIES,
    acknowledged: async () => formatCursor(upTo(3, { epoch: 2 })),
  };
  const stored = (epoch: number) =>
    Acknowledgements.stored(inbox as unknown as InboxStore, device, epoch);
  assert.deepEqual(await stored(1), emptyCursor(1));
  assert.deepEqual(await stored(2), copyCursor(upTo(3, { epoch: 2 }), 0));
});

test('ids while the inbox is away: told, and good at the next try', async () => {
  put(1);
  const first = await bench.connect(device);
  const [frame] = (await first.take(1)) as NotificationFrame[];
  await first.close();
  const second = await bench.connect(device, frame!.cursor);
  bench.inbox.away = true;
  second.send({ type: 'ack', ids: ids(1, 1) });
  const answer = (await second.next()) as UnacknowledgedFrame;
  bench.inbox.away = false;
  assert.deepEqual([answer.reason, answer.ids], ['inbox_away', ids(1, 1)]);
  second.send({ type: 'ack', ids: ids(1, 1) });
  await eventually(() => acknowledgedNow()[0] === 1, 'the acknowledgement');
});

test('many acknowledgements, at once and in any order: in turn, merged, each counted once', async () => {
  put(...Array.from({ length: 100 }, (_, i) => i + 1));
  const before = bench.gateway.counts.acknowledged;
  const token = await bench.token(device);
  const path = `/v1/devices/${device}/acknowledgements`;
  const one = (mark: number) =>
    bench.call('POST', path, { token, body: { cursor: formatCursor(upTo(mark)) } });
  const slow = await Bench.open();
  try {
    await slow.own(device);
    slow.inbox.put(...[1, 2].map((n) => slow.notification(device, n)));
    slow.inbox.hold();
    const body = { cursor: formatCursor(upTo(2)) };
    const all = [1, 2, 3, 4].map(() => slow.call('POST', path, { token, body }));
    await eventually(() => slow.inbox.reading === 1, 'the first');
    await slow.call('GET', '/health/live');
    slow.inbox.release();
    assert.ok((await Promise.all(all)).every(({ status }) => status === 204));
    assert.deepEqual([slow.inbox.readingMost, slow.gateway.counts.acknowledged], [1, 2]);
  } finally {
    await slow.close();
  }
  const marks = Array.from({ length: 25 }, (_, i) => 4 * i + 4);
  const answers: { status: number }[] = [];
  for (const mark of [...marks, ...marks.toReversed()]) answers.push(await one(mark));
  assert.ok(answers.every(({ status }) => status === 204));
  assert.deepEqual(await stored(), [100]);
  assert.equal(bench.gateway.counts.acknowledged - before, 100);
  await eventually(() => outcomes().length === 100, 'an outcome each');
});

test('what is acknowledged by a pull is not acknowledged again by the socket', async () => {
  put(1, 2);
  const client = await bench.connect(device);
  await client.take(2);
  const token = await bench.token(device);
  const body = { cursor: formatCursor(upTo(1)) };
  await bench.call('POST', `/v1/devices/${device}/acknowledgements`, { token, body });
  client.send({ type: 'ack', cursor: formatCursor(upTo(2)) });
  await eventually(() => acknowledgedNow()[0] === 2, 'both');
  await eventually(() => outcomes().length === 2, 'an outcome each');
  assert.deepEqual(
    outcomes().map(({ sink }) => sink),
    ['inbox', 'websocket'],
  );
});

test('what could not be stored is stored with a later heartbeat', async () => {
  const slow = await Bench.open({ limits: { heartbeatMs: 256 } });
  try {
    await slow.own('tv');
    slow.inbox.put(slow.notification('tv', 1));
    const client = await slow.connect('tv');
    const [frame] = (await client.take(1)) as NotificationFrame[];
    const { acksFailed } = slow.gateway.counts;
    slow.inbox.away = true;
    client.send({ type: 'ack', cursor: frame!.cursor });
    await eventually(() => slow.gateway.counts.acksFailed > acksFailed, 'a failed write');
    assert.equal(slow.inbox.acknowledgedNow('tv', 1), undefined);
    slow.inbox.away = false;
    const kept = formatCursor(copyCursor(parseCursor(frame!.cursor)!, 0));
    await eventually(() => slow.inbox.acknowledgedNow('tv', 1) === kept, 'the later write');
  } finally {
    await slow.close();
  }
});
