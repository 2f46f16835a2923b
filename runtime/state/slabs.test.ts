import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Slabs } from './slabs.ts';

const KIB = 1024;

/** Entries with an owner's number in front, as owners write them to be found again. */
class Owner {
  readonly slabs = new Slabs();
  readonly entries = new Map<number, { address: number; readonly length: number }>();

  add(id: number, length: number): void {
    const address = this.slabs.alloc(length);
    const view = this.slabs.view(address);
    const at = this.slabs.at(address);
    for (let n = 0; n < length; n++) view.setUint8(at + n, (id + n) & 0xff);
    if (length >= 4) view.setInt32(at, id);
    this.entries.set(id, { address, length });
  }

  remove(id: number): void {
    this.slabs.free(this.entries.get(id)!.address);
    this.entries.delete(id);
  }

  compact(): number {
    let moved = 0;
    this.slabs.compact((from, to) => {
      const entry = this.entries.get(this.slabs.view(to).getInt32(this.slabs.at(to)))!;
      assert.equal(entry.address, from);
      entry.address = to;
      moved++;
    });
    return moved;
  }

  check(): void {
    for (const [id, { address, length }] of this.entries) {
      const view = this.slabs.view(address);
      const at = this.slabs.at(address);
      assert.equal(this.slabs.length(address), length);
      if (length >= 4) assert.equal(view.getInt32(at), id);
      for (let n = 4; n < length; n++) assert.equal(view.getUint8(at + n), (id + n) & 0xff);
    }
  }
}

test('entries keep their bytes, whatever is added, removed and moved around them', () => {
  const length = fc.oneof(
    fc.constantFrom(4, 5, 7, 8),
    fc.nat(400).map((n) => n + 4),
  );
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.boolean(), length, fc.nat()), { maxLength: 300 }), (acts) => {
      const owner = new Owner();
      acts.forEach(([isAdd, size, which], id) => {
        const ids = [...owner.entries.keys()];
        if (isAdd || ids.length === 0) owner.add(id, size);
        else owner.remove(ids[which % ids.length]!);
      });
      owner.compact();
      owner.check();
    }),
    { numRuns: 100 },
  );
});

test('an entry without bytes, and one larger than a slab', () => {
  const owner = new Owner();
  owner.add(1, 0);
  owner.add(2, 3 * 1024 * KIB);
  owner.add(3, 0);
  owner.check();
  const before = owner.slabs.bytes;
  owner.remove(2);
  assert.ok(owner.slabs.bytes <= before - 3 * 1024 * KIB, 'a slab of holes is given back');
  owner.add(4, 10);
  owner.check();
});

test('when half is holes, a bounded number of slabs is emptied at a time, until it is not', () => {
  const owner = new Owner();
  const count = 100_000;
  for (let id = 0; id < count; id++) owner.add(id, 100);
  const full = owner.slabs.bytes;
  assert.equal(owner.compact(), 0, 'nothing is to be gained');
  for (let id = 0; id < count; id++) if (id % 4 !== 0) owner.remove(id);
  assert.equal(owner.slabs.bytes, full, 'every slab still has something');
  let rounds = 0;
  for (let moved = owner.compact(); moved > 0; moved = owner.compact()) {
    assert.ok(moved < 8 * 3_000, `${moved} moved at a time`);
    rounds++;
  }
  owner.check();
  assert.ok(rounds > 2, `${rounds} rounds`);
  assert.ok(owner.slabs.bytes < full * 0.55, `${owner.slabs.bytes} of ${full} bytes are left`);
});

test('the first in is the first out: nothing is moved, and memory stays', () => {
  const owner = new Owner();
  let most = 0;
  for (let id = 0; id < 50_000; id++) {
    owner.add(id, 100);
    if (id >= 5_000) owner.remove(id - 5_000);
    if (id % 100 === 0) assert.equal(owner.compact(), 0);
    most = Math.max(most, owner.slabs.bytes);
  }
  assert.ok(most < 4 * 512 * KIB, `${most} bytes`);
});
