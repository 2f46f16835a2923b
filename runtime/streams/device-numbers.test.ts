/** Numbers of devices against a plain model, and what the changelog keeps of them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BatchBuilder } from '../../core/batch-builder.ts';
import { TRANSPORTS } from '../../core/device.ts';
import { DeviceLines } from '../../core/device-lines.ts';
import { readBatch, wholeBatch } from '../../core/record-batch.ts';
import { START_MS } from '../../test/kit/drive.ts';
import { sliceOf } from '../../test/kit/slices.ts';
import { Chance } from '../../test/sim/chance.ts';
import { DeviceNumbers, NUMBERED_DEVICES_MAX } from './device-numbers.ts';

const [WEBSOCKET, FCM, APNS, INBOX] = [0, 1, 2, 3];

/** Turns to a device of a member and gives its next number; tells what was there before. */
class Bench {
  numbers = new DeviceNumbers('t.numbers');
  readonly #lines = new DeviceLines();
  readonly changelog: Buffer[] = [];

  line(deviceId: string, epoch: number): number {
    return this.#lines.add({ deviceId, epoch, class: 'tv', transports: ['inbox'], updatedAt: 0 });
  }

  turnTo(member: string): void {
    // Not at the start of its bytes, as in a slice.
    const key = Buffer.from(`..${member}.`, 'utf8');
    const view = new DataView(key.buffer, key.byteOffset, key.length);
    this.numbers.turnTo(key, view, 2, key.length - 1);
  }

  /** False: it was numbered in a later epoch. */
  device(member: string, deviceId: string, epoch = 1): boolean {
    this.turnTo(member);
    return this.numbers.device(this.#lines, this.line(deviceId, epoch));
  }

  /** `last/last in lane` before the number that is given now. */
  give(member: string, deviceId: string, transport: number, epoch = 1): string {
    if (!this.device(member, deviceId, epoch)) return 'moved';
    const before = `${this.numbers.last}/${this.numbers.lastInLane(transport)}`;
    this.numbers.give(transport);
    return before;
  }

  commit(): number {
    const builder = new BatchBuilder('changelog', 0);
    this.numbers.writeChanged(builder, START_MS);
    const { count, bytes } = builder.finish();
    if (count > 0) this.changelog.push(Buffer.from(bytes));
    return count;
  }

  restart(): void {
    this.commit();
    this.numbers = new DeviceNumbers('t.numbers');
    for (const bytes of this.changelog) this.numbers.restore(wholeBatch('c', 0, bytes, 0));
    this.numbers.restored();
  }

  rows(): unknown {
    return [...this.numbers.rows()].map(([member, row]) => {
      return [member, [...(row as Map<string, unknown>)].map(([id, of]) => [id, ...all(of)])];
    });
  }
}

const all = (of: unknown) => {
  const { epoch, last, lastInLane } = of as { epoch: number; last: number; lastInLane: number[] };
  return [epoch, last, ...lastInLane];
};

test('numbers count up by device, and by device and lane', () => {
  const bench = new Bench();
  const gives = [
    bench.give('m', 'd', FCM),
    bench.give('m', 'd', INBOX),
    bench.give('m', 'e', INBOX),
    bench.give('m', 'd', FCM),
    bench.give('n', 'd', FCM),
    bench.give('m', 'd', WEBSOCKET),
    bench.give('m', 'd', APNS),
    bench.give('m', 'd', APNS),
  ];
  assert.deepEqual(gives, ['0/0', '1/0', '0/0', '2/1', '0/0', '3/0', '4/0', '5/5']);
  assert.equal(bench.numbers.size, 2);
  assert.deepEqual(bench.rows(), [
    [
      'm',
      [
        ['e', 1, 1, 0, 0, 0, 1],
        ['d', 1, 6, 4, 3, 6, 2],
      ],
    ],
    ['n', [['d', 1, 1, 0, 1, 0, 0]]],
  ]);
});

test('a new epoch begins at 1 in all lanes, an old one is told no more', () => {
  const bench = new Bench();
  for (const transport of [FCM, INBOX, FCM]) bench.give('m', 'd', transport, 4);
  assert.equal(bench.device('m', 'd', 5), true);
  assert.deepEqual([bench.numbers.last, bench.numbers.lastInLane(FCM)], [0, 0]);
  assert.equal(bench.device('m', 'd', 4), true, 'nothing was given in epoch 5');
  assert.deepEqual([bench.numbers.last, bench.numbers.lastInLane(FCM)], [3, 3]);
  assert.equal(bench.give('m', 'd', INBOX, 7), '0/0');
  assert.equal(bench.give('m', 'd', INBOX, 7), '1/1');
  assert.equal(bench.give('m', 'd', FCM, 7), '2/0');
  assert.equal(bench.give('m', 'd', FCM, 6), 'moved');
  assert.equal(bench.give('m', 'd', FCM, 7), '3/3');
});

test('what was looked at and not given changes nothing', () => {
  const bench = new Bench();
  assert.equal(bench.device('m', 'd'), true);
  assert.deepEqual([bench.numbers.size, bench.numbers.changedCount], [0, 0]);
  bench.give('m', 'd', FCM);
  bench.commit();
  bench.device('m', 'd');
  bench.device('m', 'e');
  assert.equal(bench.commit(), 0);
});

test('ids are compared in whole, whatever they are made of', () => {
  const bench = new Bench();
  const ids = ['d', 'dd', 'e', '', 'é', 'è', 'x'.repeat(100), `${'x'.repeat(99)}y`];
  for (const id of ids) assert.equal(bench.give('m', id, FCM), '0/0', id);
  for (const id of ids) assert.equal(bench.give('m', id, FCM), '1/1', id);
  for (const id of ids) assert.equal(bench.give(`n${id}`, id, FCM), '0/0', id);
});

test('a member is one record of the changelog, however many devices were told', () => {
  const bench = new Bench();
  for (const id of ['a', 'b', 'c']) bench.give('m', id, FCM);
  bench.give('n', 'a', FCM);
  assert.equal(bench.numbers.changedCount, 2);
  assert.equal(bench.commit(), 2);
  assert.equal(bench.numbers.changedCount, 0);
  bench.give('m', 'b', FCM);
  assert.equal(bench.commit(), 1);
  const [record] = readBatch(wholeBatch('c', 0, bench.changelog.at(-1)!, 0));
  assert.deepEqual([record!.key, record!.timestamp], ['m', START_MS]);
  assert.equal(bench.commit(), 0);
});

test('all comes back after a restart, with the order of use', () => {
  const bench = new Bench();
  for (const id of ['a', 'b', 'c']) bench.give('m', id, INBOX);
  bench.give('o', 'z', FCM, 3);
  bench.give('m', 'a', FCM);
  const before = bench.rows();
  bench.restart();
  assert.deepEqual(bench.rows(), before);
  assert.equal(bench.numbers.changedCount, 0);
  assert.equal(bench.give('m', 'a', FCM), '2/2');
  assert.equal(bench.give('m', 'b', FCM, 2), '0/0');
  bench.restart();
  bench.restart();
  assert.deepEqual(bench.rows(), [
    [
      'm',
      [
        ['c', 1, 1, 0, 0, 0, 1],
        ['a', 1, 3, 0, 3, 0, 1],
        ['b', 2, 1, 0, 1, 0, 0],
      ],
    ],
    ['o', [['z', 3, 1, 0, 1, 0, 0]]],
  ]);
});

function tombstones(...members: readonly string[]) {
  const builder = new BatchBuilder('changelog', 0);
  for (const member of members) builder.append(START_MS, member, null);
  return wholeBatch('c', 0, builder.finish().bytes, 0);
}

test('a tombstone takes the member out, and his numbers begin again', () => {
  const bench = new Bench();
  bench.give('m', 'a', FCM);
  bench.give('n', 'a', FCM);
  bench.commit();
  bench.changelog.push(Buffer.from(tombstones('m', 'nobody').bytes));
  bench.restart();
  assert.equal(bench.numbers.size, 1);
  assert.equal(bench.give('m', 'a', FCM), '0/0');
  assert.equal(bench.give('n', 'a', FCM), '1/1');
});

test('one device more than are numbered: the one unused for longest is forgotten', () => {
  const bench = new Bench();
  const name = (n: number) => `device-${n}`;
  for (let n = 0; n < NUMBERED_DEVICES_MAX; n++) bench.give('m', name(n), FCM);
  bench.give('m', name(0), FCM);
  bench.give('m', 'one more', INBOX);
  assert.equal(bench.give('m', name(0), FCM), '2/2');
  assert.equal(bench.give('m', name(1), FCM), '0/0', 'it was the one');
  assert.equal(bench.give('m', name(3), FCM), '1/1');
  assert.equal(bench.give('m', 'one more', FCM), '1/0', 'nothing of the other is left');
  bench.restart();
  assert.equal(bench.give('m', name(1), FCM), '1/1');
  assert.equal(bench.give('m', name(2), FCM), '0/0');
  const [row] = [...bench.numbers.rows()];
  assert.equal((row![1] as Map<string, unknown>).size, NUMBERED_DEVICES_MAX);
});

test('the place of a key may be that of another in the next slice', () => {
  const numbers = new DeviceNumbers('n');
  const lines = new DeviceLines();
  const line = lines.add({ deviceId: 'd', epoch: 1, class: 'tv', transports: [], updatedAt: 0 });
  const slice = sliceOf([{ key: 'aa' }, { key: 'bb' }, { key: null }]);
  const turn = (i: number) => {
    numbers.turnTo(slice.bytes, slice.view, slice.keyStart[i]!, slice.keyEnd[i]!);
    numbers.device(lines, line);
  };
  numbers.warm(slice);
  turn(0);
  numbers.give(FCM);
  turn(0);
  assert.equal(numbers.last, 1);
  turn(1);
  assert.equal(numbers.last, 0);
  numbers.give(FCM);
  assert.equal(numbers.last, 1, 'the number that was given');
  turn(0);
  numbers.give(FCM);
  turn(1);
  slice.bytes.write('aa', slice.keyStart[1]!);
  numbers.warm(slice);
  turn(1);
  assert.equal(numbers.last, 2, 'it is another key now');
});

test('a row that is torn is CAR802', () => {
  const torn: readonly Buffer[] = [
    Buffer.from([0]),
    // First put 0, no due time, 2 bytes: one device, whose id is 3 bytes long and is not there.
    Buffer.from([0, 1, 4, 2, 6]),
    // A device with an id of -1 bytes.
    Buffer.from([0, 1, 4, 2, 1]),
  ];
  for (const value of torn) {
    const builder = new BatchBuilder('changelog', 0);
    builder.append(START_MS, 'm', value);
    // What is missing must not be taken from the record behind.
    builder.append(START_MS, 'n'.repeat(60), Buffer.from([0, 1, 2, 0]));
    const batch = wholeBatch('c', 0, Buffer.from(builder.finish().bytes), 0);
    const numbers = new DeviceNumbers('t.numbers');
    assert.throws(() => numbers.restore(batch), { code: 'CAR802' }, value.toString('hex'));
  }
});

test('memory grows with members, and with the devices of one', () => {
  const bench = new Bench();
  const sizes = [bench.numbers.bytes];
  for (let n = 0; n < 3_000; n++) bench.give(`m-${n}`, 'd', FCM);
  sizes.push(bench.numbers.bytes);
  for (let n = 0; n < 300; n++) for (let d = 0; d < 40; d++) bench.give(`m-${n}`, `d-${d}`, FCM);
  sizes.push(bench.numbers.bytes);
  const [empty, members, devices] = sizes;
  assert.ok(empty! < 64_000, `${empty}`);
  assert.ok(members! > empty! + 3_000 * 64 && members! < 3_000 * 400, `${members}`);
  assert.ok(devices! > members! + 300 * 39 * 64 && devices! < members! + 300 * 64 * 64 * 2);
  assert.ok(devices! < 4_500_000, `${devices}`);
});

test('members that come and go give back what their devices took, however many they had', () => {
  const bench = new Bench();
  const rounds = (first: number, last: number) => {
    for (let round = first; round < last; round++) {
      for (let n = 0; n < 5 + (round % 4) * 20; n++) bench.give(`member ${round}`, `d${n}`, FCM);
      bench.commit();
      bench.numbers.restore(tombstones(`member ${round}`));
    }
    return bench.numbers.bytes;
  };
  const before = rounds(0, 8);
  // Slabs of ids come and go; 792 members' numbers would take 2 MB.
  assert.ok(rounds(8, 800) < before + 400_000, `${bench.numbers.bytes} after ${before}`);
  assert.equal(bench.numbers.size, 0);
});

test('more members than lines of one chunk', () => {
  const bench = new Bench();
  const members = Array.from({ length: 16_500 }, (_, n) => `m-${n}`);
  for (const member of members) bench.give(member, 'd', FCM);
  for (const member of members) assert.equal(bench.give(member, 'd', FCM), '1/1');
});

for (const seed of [1, 2, 3, 4]) {
  test(`as a plain model says, over restarts (seed ${seed})`, () => {
    const chance = new Chance(seed);
    const bench = new Bench();
    const model = new Map<string, { epoch: number; last: number; lanes: number[] }>();
    for (let n = 0; n < 3_000; n++) {
      if (chance.is(0.01)) bench.commit();
      if (chance.is(0.005)) bench.restart();
      const member = `m-${chance.below(30)}`;
      const device = `d-${chance.below(40)}`;
      const epoch = 1 + Math.floor(n / 1_000) + chance.below(2);
      const transport = chance.below(TRANSPORTS.length);
      const key = `${member} ${device}`;
      const known = model.get(key);
      const got = bench.give(member, device, transport, epoch);
      if (known !== undefined && known.epoch > epoch) {
        assert.equal(got, 'moved');
        continue;
      }
      const row = known?.epoch === epoch ? known : { epoch, last: 0, lanes: [0, 0, 0, 0] };
      model.set(key, row);
      assert.equal(got, `${row.last}/${row.lanes[transport]}`, `${n} ${key}`);
      row.last++;
      row.lanes[transport] = row.last;
    }
  });
}
