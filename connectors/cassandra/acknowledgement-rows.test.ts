import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { types } from 'cassandra-driver';
import { add, emptyCursor, formatCursor, parseCursor } from '../../core/cursor.ts';
import { RENO_PRIORITIES } from '../../core/priority.ts';
import { AcknowledgementRows } from './acknowledgement-rows.ts';
import { statements } from './tables.ts';

const CQL = statements('k');

/** Rows as the table has them: the later write wins, a deletion takes what is not younger. */
class Table {
  readonly rows = new Map<string, { cursor: string; written: number }>();
  #now = 0;
  /** Resolved by hand when not null: deletions wait. */
  reads = 0;

  async execute(query: string, params: unknown[]): Promise<types.Row[]> {
    if (query === CQL.acknowledge) {
      const [device, epoch, writer, cursor] = params as [string, number, string, string];
      this.rows.set(`${device}/${epoch}/${writer}`, { cursor, written: ++this.#now });
      return [];
    }
    if (query === CQL.forget) {
      const [written, device, epoch, writer] = params as [number, string, number, string];
      const key = `${device}/${epoch}/${writer}`;
      if ((this.rows.get(key)?.written ?? Number.POSITIVE_INFINITY) <= written) {
        this.rows.delete(key);
      }
      return [];
    }
    this.reads++;
    const [device, epoch] = params as [string, number];
    const prefix = `${device}/${epoch}/`;
    return [...this.rows]
      .filter(([key]) => key.startsWith(prefix))
      .map(([key, row]) => {
        const facts = { ...row, writer: key.slice(prefix.length) };
        return { get: (name: keyof typeof facts) => facts[name] } as unknown as types.Row;
      });
  }
}

let writers = 0;
const open = (table: Table, rememberedMax?: number) =>
  new AcknowledgementRows(
    CQL,
    () => `w-${++writers}`,
    (query, params) => table.execute(query, params),
    RENO_PRIORITIES,
    rememberedMax,
  );
const text = (...sequences: readonly number[]) => {
  const cursor = emptyCursor(1);
  for (const sequence of sequences) add(cursor, 2, sequence);
  return formatCursor(cursor);
};
const settled = () => new Promise((resolve) => setImmediate(resolve));

test('two processes at once: nothing is lost, nothing is read before a write', async () => {
  const table = new Table();
  const [a, b] = [open(table), open(table)];
  await Promise.all([a.add('d', 1, text(1)), b.add('d', 1, text(2)), a.add('d', 1, text(3))]);
  assert.equal(table.reads, 0);
  assert.equal(table.rows.size, 2);
  assert.equal(await a.read('d', 1), text(1, 2, 3));
  assert.equal(await b.read('d', 1), text(1, 2, 3));
  assert.equal(await a.read('d', 2), null);
});

test('a device that was forgotten goes on in a new row, and its old one stays', async () => {
  const table = new Table();
  const rows = open(table, 1);
  await rows.add('d', 1, text(1));
  await rows.add('other', 1, text(9));
  await rows.add('d', 1, text(2));
  assert.equal(await rows.read('d', 1), text(1, 2));
});

test('many rows are folded into one, and what is written meanwhile stays', async () => {
  const table = new Table();
  const processes = Array.from({ length: 6 }, () => open(table));
  for (const [i, one] of processes.entries()) await one.add('d', 1, text(i + 1));
  assert.equal(await processes[0]!.read('d', 1), text(1, 2, 3, 4, 5, 6));
  // The second writes between the read and the deletion of its row.
  await processes[1]!.add('d', 1, text(8));
  await settled();
  await settled();
  assert.equal(table.rows.size, 2);
  assert.equal(await processes[2]!.read('d', 1), text(1, 2, 3, 4, 5, 6, 8));
});

test('four rows are left as they are', async () => {
  const table = new Table();
  const processes = Array.from({ length: 4 }, () => open(table));
  for (const [i, one] of processes.entries()) await one.add('d', 1, text(i + 1));
  await processes[0]!.read('d', 1);
  await settled();
  assert.equal(table.rows.size, 4);
});

test('what is no cursor of the epoch is refused', async () => {
  const rows = open(new Table());
  for (const wrong of ['nonsense', '', formatCursor(emptyCursor(2))]) {
    await assert.rejects(rows.add('d', 1, wrong), TypeError);
  }
  assert.equal(parseCursor(text(1))?.epoch, 1);
});
