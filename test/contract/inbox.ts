/**
 * What every inbox must do (`InboxStore` of core/inbox.ts), whatever holds it. A store's test calls
 * `inboxContract(name, open)`; each case uses devices of its own, so one opened store may serve
 * all.
 *
 * Expiry is not in here: stores forget by clocks and at paces of their own, with tests beside them.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { add, emptyCursor, formatCursor } from '../../core/cursor.ts';
import type { InboxRow, InboxStore } from '../../core/inbox.ts';
import type { DeviceNotification } from '../../core/notification.ts';
import { RENO_PRIORITIES } from '../../core/priority.ts';

export interface InboxHarness {
  readonly store: InboxStore;
  /** Makes what was written readable, where a write waits for a commit. */
  readonly settle?: () => Promise<void>;
  /**
   * Opens the same data again, after `store.close()`; without it the case of reopening is skipped.
   */
  readonly reopen?: () => Promise<InboxStore>;
  /** Removes what was opened; called after `store.close()`. */
  readonly cleanUp?: () => Promise<void>;
}

export interface InboxContractOptions {
  /** Why not to run it, said in the report. */
  readonly skip?: string | false;
}

const DAY_MS = 86_400_000;
/** Where the hand clock stands. */
export const INBOX_START_MS = Date.UTC(2026, 0, 1);

/** A notification with all fields set, as the lane writer would give it. */
export function inboxNotification(
  deviceId: string,
  epoch: number,
  priority: string,
  sequence: number,
  changes: Partial<DeviceNotification> = {},
): DeviceNotification {
  return {
    id: idOf(`${deviceId}/${epoch}/${priority}/${sequence}`),
    deviceId,
    epoch,
    sequence,
    previous: sequence - 1,
    useCase: 'va',
    priority,
    deadline: INBOX_START_MS + 120_000,
    collapseKey: 'p-1/t-9',
    count: 2,
    born: INBOX_START_MS - 5_000,
    payloadSchemaId: 7,
    payload: Buffer.from([0, 255, 10, 13, 128, sequence & 255]),
    ...changes,
  };
}

/** A UUID that stands for the text (rule D1 gives ids this form). */
function idOf(text: string): string {
  const hex = createHash('sha256').update(text).digest('hex');
  const part = (from: number, to: number) => hex.slice(from, to);
  return `${part(0, 8)}-${part(8, 12)}-5${part(13, 16)}-a${part(17, 20)}-${part(20, 32)}`;
}

/** The text of a cursor that covers these numbers of one priority. */
function acknowledging(epoch: number, ...sequences: readonly number[]): string {
  const cursor = emptyCursor(epoch);
  for (const sequence of sequences) add(cursor, 1, sequence);
  return formatCursor(cursor);
}

/** A row that is kept for a day. */
export function inboxRow(notification: DeviceNotification): InboxRow {
  return { notification, expiresAt: INBOX_START_MS + DAY_MS };
}

export function inboxContract(
  name: string,
  open: () => Promise<InboxHarness>,
  options: InboxContractOptions = {},
): void {
  describe(`inbox contract: ${name}`, { skip: options.skip ?? false }, () => {
    let harness: InboxHarness;
    let store: InboxStore;

    before(async () => {
      harness = await open();
      store = harness.store;
    });

    after(async () => {
      await store?.close();
      await harness?.cleanUp?.();
    });

    const write = async (...notifications: DeviceNotification[]) => {
      const outcomes = await store.write(notifications.map(inboxRow));
      assert.deepEqual(
        outcomes.map((outcome) => outcome.kind),
        notifications.map(() => 'delivered'),
      );
      await harness.settle?.();
    };
    const numbers = async (deviceId: string, epoch: number, marks: number[], limit = 100) =>
      (await store.read(deviceId, epoch, marks, limit)).map(
        (one) => `${one.priority} ${one.sequence}`,
      );

    test('a row comes back as it was written, payload bytes and nulls too', async () => {
      const full = inboxNotification('same', 1, 'high', 3);
      const bare = inboxNotification('same', 1, 'low', 1, {
        collapseKey: null,
        deadline: 0,
        previous: 0,
        payload: Buffer.alloc(0),
      });
      await write(full, bare);
      const found = await store.read('same', 1, [0, 0, 0, 0], 10);
      assert.deepEqual(
        found.map((one) => ({ ...one, payload: Buffer.from(one.payload) })),
        [full, bare],
      );
    });

    test('a payload of 64 KiB is kept byte for byte', async () => {
      const payload = Buffer.from(Uint8Array.from({ length: 65_536 }, (_, n) => (n * 31) & 255));
      await write(inboxNotification('large', 1, 'normal', 1, { payload }));
      const [found] = await store.read('large', 1, [0, 0, 0, 0], 10);
      assert.ok(found !== undefined && payload.equals(found.payload));
    });

    test('writing a row twice, in one call or two, leaves one', async () => {
      const row = inboxNotification('twice', 1, 'high', 1);
      await write(row, row);
      await write(row);
      assert.deepEqual(await numbers('twice', 1, [0, 0, 0, 0]), ['high 1']);
    });

    test('rows are ordered by priority, critical first, then by sequence', async () => {
      const rows = [10, 2, 1].flatMap((sequence) =>
        [...RENO_PRIORITIES.names]
          .reverse()
          .map((name) => inboxNotification('order', 1, name, sequence)),
      );
      await write(...rows);
      const expected = RENO_PRIORITIES.names.flatMap((name) =>
        [1, 2, 10].map((n) => `${name} ${n}`),
      );
      assert.deepEqual(await numbers('order', 1, [0, 0, 0, 0]), expected);
    });

    test('marks are per priority, and what they cover is left out', async () => {
      const rows = RENO_PRIORITIES.names.flatMap((name) =>
        [1, 2, 3].map((n) => inboxNotification('marks', 1, name, n)),
      );
      await write(...rows);
      const table: [number[], string[]][] = [
        [[3, 3, 3, 3], []],
        [
          [3, 2, 3, 0],
          ['high 3', 'low 1', 'low 2', 'low 3'],
        ],
        [
          [0, 3, 2, 3],
          ['critical 1', 'critical 2', 'critical 3', 'normal 3'],
        ],
        [
          [99, 99, 1, 99],
          ['normal 2', 'normal 3'],
        ],
      ];
      for (const [marks, expected] of table) {
        assert.deepEqual(await numbers('marks', 1, marks), expected, `marks ${marks}`);
      }
    });

    test('at most `limit` rows come, the most urgent first', async () => {
      const rows = ['low', 'critical'].flatMap((name) =>
        [1, 2, 3].map((n) => inboxNotification('limit', 1, name, n)),
      );
      await write(...rows);
      const first = ['critical 1', 'critical 2', 'critical 3', 'low 1'];
      assert.deepEqual(await numbers('limit', 1, [0, 0, 0, 0], 4), first);
      assert.deepEqual(await numbers('limit', 1, [2, 0, 0, 1], 2), ['critical 3', 'low 2']);
      assert.deepEqual(await numbers('limit', 1, [0, 0, 0, 0], 0), []);
    });

    test('a number that is not there yet is simply absent', async () => {
      await write(inboxNotification('gap', 1, 'high', 1), inboxNotification('gap', 1, 'high', 3));
      assert.deepEqual(await numbers('gap', 1, [0, 0, 0, 0]), ['high 1', 'high 3']);
      await write(inboxNotification('gap', 1, 'high', 2));
      assert.deepEqual(await numbers('gap', 1, [0, 1, 0, 0]), ['high 2', 'high 3']);
    });

    test('epochs and devices are apart', async () => {
      await write(
        inboxNotification('apart', 1, 'high', 1),
        inboxNotification('apart', 2, 'high', 5),
        inboxNotification('apart-2', 1, 'high', 9),
      );
      assert.deepEqual(await numbers('apart', 1, [0, 0, 0, 0]), ['high 1']);
      assert.deepEqual(await numbers('apart', 2, [0, 0, 0, 0]), ['high 5']);
      assert.deepEqual(await numbers('apart', 3, [0, 0, 0, 0]), []);
      assert.deepEqual(await numbers('apart-2', 1, [0, 0, 0, 0]), ['high 9']);
    });

    test('many rows of many devices in one call: one outcome each, none lost', async () => {
      const rows: DeviceNotification[] = [];
      for (let n = 1; n <= 120; n += 1) {
        for (const device of ['many-1', 'many-2', 'many-3']) {
          rows.push(inboxNotification(device, 1, RENO_PRIORITIES.names[n % 4]!, n));
        }
      }
      await write(...rows);
      for (const device of ['many-1', 'many-2', 'many-3']) {
        assert.equal((await numbers(device, 1, [0, 0, 0, 0], 1_000)).length, 120);
      }
    });

    test('writing nothing is fine', async () => {
      assert.deepEqual(await store.write([]), []);
    });

    test('acknowledgements of an epoch are merged, and those of another are apart', async () => {
      assert.equal(await store.acknowledged('ack', 1), null);
      await store.acknowledge('ack', 1, acknowledging(1, 1, 2));
      await store.acknowledge('ack', 1, acknowledging(1, 5));
      await store.acknowledge('ack', 1, acknowledging(1, 1));
      assert.equal(await store.acknowledged('ack', 1), acknowledging(1, 1, 2, 5));
      assert.equal(await store.acknowledged('ack', 2), null);
      // With a new epoch the older one is void (rule D4): a store may keep it or not.
      await store.acknowledge('ack', 2, acknowledging(2, 7));
      assert.equal(await store.acknowledged('ack', 2), acknowledging(2, 7));
      assert.equal(await store.acknowledged('ack', 3), null);
      assert.equal(await store.acknowledged('ack-2', 1), null);
    });

    test('of acknowledgements at one time none is lost', async () => {
      const all = Array.from({ length: 40 }, (_, i) => i + 1);
      const seen = all.map((n) => store.acknowledge('at-once', 1, acknowledging(1, n)));
      await Promise.all(seen);
      assert.equal(await store.acknowledged('at-once', 1), acknowledging(1, ...all));
    });

    test('it answers its probe', async () => {
      await store.probe();
    });

    test('rows and acknowledgements outlive a close', async (context) => {
      if (harness.reopen === undefined) return context.skip('it cannot be opened again');
      await write(inboxNotification('again', 1, 'high', 1));
      await store.acknowledge('again', 1, acknowledging(1, 3));
      await store.close();
      store = await harness.reopen();
      assert.deepEqual(await numbers('again', 1, [0, 0, 0, 0]), ['high 1']);
      assert.equal(await store.acknowledged('again', 1), acknowledging(1, 3));
    });
  });
}
