/**
 * What stores say that they take beside what is measured (heap and buffers, after collection): the
 * budget of a process (`state.memory_max`) is only as good as that. Rows of each kind of store.
 * `KEYS=10000` measures so many.
 */
import { execFileSync } from 'node:child_process';
import { BatchBuilder } from '../core/batch-builder.ts';
import { Record } from '../core/record.ts';
import { BatchCursor, wholeBatch } from '../core/record-batch.ts';
import { Slice } from '../core/slice.ts';
import { type ColumnKinds, columns } from '../core/store.ts';
import { CodedStore } from '../runtime/state/coded-store.ts';
import { AS_BYTES } from '../runtime/state/joined-table.ts';
import { LooseRows } from '../runtime/state/loose-rows.ts';
import { RowStore } from '../runtime/state/row-store.ts';
import { AskedRows } from '../runtime/tables/asked-rows.ts';
import { printFigure } from './figure.ts';

const KEYS = Number(process.env.KEYS ?? 300_000);
const AT_MS = Date.UTC(2026, 0, 1);
const COMMIT_ROWS = 5_000;

interface Kept {
  readonly bytes: number;
}

/** Buffers that are garbage are given back after the collection that found them. */
async function taken(): Promise<number> {
  for (let n = 0; n < 6; n++) {
    globalThis.gc?.();
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

const idOf = (n: number) => `viewing-activity-${n}`;

const row = (n: number) => ({
  memberId: idOf(n),
  plan: 'premium',
  since: AT_MS + n,
  devices: [{ id: `tv-${n}`, class: 'tv' }],
  score: n / 7,
});

const rowBytes = (n: number) => Buffer.from(JSON.stringify(row(n)), 'utf8');

function rowStore<C extends ColumnKinds>(of: C, put: (store: RowStore<C>, n: number) => void) {
  const store = new RowStore('t.s', columns(of));
  const changelog = new BatchBuilder('c', 0);
  const commit = () => {
    store.writeChanged(changelog, AT_MS);
    changelog.finish();
  };
  for (let n = 0; n < KEYS; n++) {
    store.put(store.key(idOf(n)));
    put(store, n);
    if (store.changedCount >= COMMIT_ROWS) commit();
  }
  commit();
  return store;
}

/** One record, to be held again and again. */
function heldRecord(): Record {
  const builder = new BatchBuilder('events.t', 0);
  builder.append(AT_MS, 'm-1', Buffer.concat([Buffer.from([0, 0, 0, 0, 7]), rowBytes(1)]));
  const cursor = new BatchCursor();
  cursor.open(wholeBatch('events.t', 0, builder.finish().bytes, 0));
  const slice = new Slice(0, 1);
  cursor.read(slice);
  const record = new Record(slice, 0);
  record.eventId = 'e-1';
  return record;
}

const decoder = { decode: (bytes: Buffer) => JSON.parse(bytes.toString('utf8')) } as never;

function looseRows(): LooseRows {
  const rows = new LooseRows();
  for (let n = 0; n < KEYS; n++) rows.keep(idOf(n), rowBytes(n), decoder);
  return rows;
}

const KINDS: { readonly [kind: string]: () => Kept } = {
  numbers: () =>
    rowStore({ atMs: 'double', offset: 'int', topic: 'name' }, (store, n) => {
      store.row().offset = n;
    }),
  'held records, timed': () => {
    const record = heldRecord();
    return rowStore({ firstMs: 'double', newest: 'record' }, (store, n) => {
      store.row().newest.hold(record);
      store.setDue(AT_MS + n);
    });
  },
  'values (windows)': () =>
    rowStore({ window: 'value' }, (store, n) => {
      store.row().window = { start: AT_MS + n, end: AT_MS + n + 1, n, sum: n / 3, isTold: false };
    }),
  'rows of joined tables': () => {
    const store = new CodedStore('t.s', AS_BYTES);
    const changelog = new BatchBuilder('c', 0);
    for (let n = 0; n < KEYS; n++) {
      store.put(idOf(n), rowBytes(n));
      if (store.changedCount < COMMIT_ROWS) continue;
      store.writeChanged(changelog, AT_MS);
      changelog.finish();
    }
    return store;
  },
  'who asked by a foreign key': () => {
    const rows = new AskedRows('t.s');
    const changelog = new BatchBuilder('c', 0);
    for (let n = 0; n < KEYS; n++) {
      rows.put(`customer-${n % 1_000}`, idOf(n), { partition: 3, version: n });
      if (rows.changedCount < COMMIT_ROWS) continue;
      rows.writeChanged(changelog, AT_MS);
      changelog.finish();
    }
    return rows;
  },
  'rows of tables': looseRows,
  'rows of tables, asked for': () => {
    const rows = looseRows();
    for (let n = 0; n < KEYS; n++) rows.get(idOf(n));
    return rows;
  },
};

async function measure(kind: string): Promise<void> {
  const before = await taken();
  const kept = KINDS[kind]!();
  const measured = ((await taken()) - before) / KEYS;
  const value = kept.bytes / KEYS;
  const off = Math.abs(value / measured - 1);
  printFigure({
    ...{ bench: 'state-memory', value, unit: `bytes a key as told, ${kind}` },
    ...{ floor: measured, beside: 'measured', aim: 'within 20 %', met: off <= 0.2 },
  });
}

// Each in a process of its own: what the one before has left is not to be collected meanwhile.
const [, file = '', only] = process.argv;
if (only !== undefined) await measure(only);
else {
  for (const kind of Object.keys(KINDS)) {
    process.stdout.write(execFileSync(process.execPath, ['--expose-gc', file, kind]));
  }
}
