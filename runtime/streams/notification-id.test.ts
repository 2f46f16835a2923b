import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import fc from 'fast-check';
import { openIdKernel } from './id-kernel.ts';
import { NotificationIds, notificationId } from './notification-id.ts';

const SEED = Number(process.env.SEED ?? 20_260_101);
console.log(`notification id properties: seed ${SEED} (SEED=… runs another)`);

type Pair = readonly [eventId: string, deviceId: string];

/** A UUID of version 8 of a message's SHA-256, by arithmetic. */
function uuidOf(message: string): string {
  const bits = BigInt(`0x${hash('sha256', message, 'hex').slice(0, 32)}`);
  const free = bits & ~((0xfn << 76n) | (0x3n << 62n));
  const text = (free | (0x8n << 76n) | (0x2n << 62n)).toString(16).padStart(32, '0');
  return text.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

/** What ids were made of from the first day; it stays for every device id without NUL. */
const formula = (eventId: string, useCase: string, deviceId: string): string =>
  uuidOf([useCase, deviceId, eventId].join('\0'));

/** Texts in one buffer, behind an offset and with bytes around each; and where each lies. */
function arenaOf(texts: readonly string[]) {
  const ranges: [start: number, end: number][] = [];
  let all = '~~~~~~~~';
  for (const text of texts) {
    const start = Buffer.byteLength(all) - 5;
    ranges.push([start, start + Buffer.byteLength(text)]);
    all += `${text}~`;
  }
  return { bytes: Buffer.from(all).subarray(5), ranges };
}

/** Bytes between ids, and before the first, that must stay as they are. */
const GAP = 3;
const STRIDE = GAP + 36;

/** Ids by `add` and `flush`; their places in `out` are turned, so that they are not in order. */
function idsOf(ids: NotificationIds, pairs: readonly Pair[]): string[] {
  const events = arenaOf(pairs.map(([event]) => event));
  const devices = arenaOf(pairs.map(([, device]) => device));
  const placeOf = (n: number) => GAP + ((n + 2) % pairs.length) * STRIDE;
  const out = Buffer.alloc(pairs.length * STRIDE, '*');
  for (const n of pairs.keys()) {
    const event = events.ranges[n]!;
    const device = devices.ranges[n]!;
    ids.add(placeOf(n), events.bytes, ...event, devices.bytes, ...device);
  }
  ids.flush(out);
  const text = out.toString('latin1');
  for (let at = 0; at < text.length; at += STRIDE) assert.equal(text.slice(at, at + GAP), '***');
  return pairs.map((_, n) => text.slice(placeOf(n), placeOf(n) + 36));
}

const paths: readonly [string, () => ReturnType<typeof openIdKernel>][] = [
  ['in groups', openIdKernel],
  ['alone', () => null],
];

const known: readonly [event: string, useCase: string, device: string, id: string][] = [
  ['e1', 'va', 'tv-1', 'e5741b90-4c3e-8dae-98bf-2c810ff50b4c'],
  ['', 'va', '', '7f210e4b-d700-87a6-b6c7-b9b71c02f29a'],
  ['événement-☎', 'va', 'télé-📺', 'e6c4cc42-bfd3-8aa0-8ec5-15fbec138d7e'],
  ['e\0x', 'va', 'tv-1', 'b10957e0-b6e3-8861-bf81-9375b46f8023'],
  ['x'.repeat(150), 'va', 'y'.repeat(150), 'cebcd6e4-9c1b-8af8-91d4-73684e536f9e'],
  [
    '0197c8a4-3c52-7b11-9a52-1c9f0e6a4d21',
    'pc',
    '5b2f7e0c-9d0e-4f6a-8f6e-0d6c2b1a9e77',
    'edae1554-4a3e-8f2e-9127-a3c936994467',
  ],
];
for (const [event, useCase, device, id] of known) {
  test(`D1 the id of ${JSON.stringify([event, useCase, device])} is what it has always been`, () => {
    assert.equal(notificationId(event, useCase, device), id);
    assert.equal(formula(event, useCase, device), id);
    for (const [, open] of paths) {
      assert.deepEqual(idsOf(new NotificationIds(useCase, open()), [[event, device]]), [id]);
    }
  });
}

const text = fc.string({ unit: 'binary', maxLength: 100 });
const withoutNul = text.map((all) => all.replaceAll('\0', ''));
const useCaseId = withoutNul.filter((id) => id !== '');
const useCaseFew = fc.constantFrom('va', 'ü☎', 'u'.repeat(60), 'u'.repeat(150));

for (const [path, open] of paths) {
  test(`D1 ${path}: every length of what is hashed, 0 to 300`, () => {
    const pairs = Array.from({ length: 301 }, (_, n): Pair => ['e'.repeat(n), `d${n % 7}`]);
    const expected = pairs.map(([event, device]) => formula(event, 'va', device));
    assert.deepEqual(idsOf(new NotificationIds('va', open()), pairs), expected);
    // Each after one of another length, in a group of its own: nothing of that one is left.
    const ids = new NotificationIds('va', open());
    for (const n of [300, 183, 0, 119, 1, 55, 2, 177, 3, 113, 4, 49]) {
      assert.deepEqual(idsOf(ids, [pairs[n]!]), [expected[n]]);
    }
  });

  test(`D1 ${path}: every length of a device id and of a use case id, 0 to 200`, () => {
    const pairs = Array.from({ length: 201 }, (_, n): Pair => ['e', 'd'.repeat(n)]);
    for (const useCase of [
      'u',
      ...[52, 53, 54, 60, 64, 116, 117, 180, 181, 192, 193, 70_000].map((n) => 'u'.repeat(n)),
    ]) {
      assert.deepEqual(
        idsOf(new NotificationIds(useCase, open()), pairs),
        pairs.map(([event, device]) => formula(event, useCase, device)),
      );
    }
  });

  test(`D1 ${path}: groups that are not full, flush after flush`, () => {
    const ids = new NotificationIds('va', open());
    for (let count = 1; count <= 9; count++) {
      // Messages of one, two and three blocks beside each other, and of more.
      for (const lengths of [[30], [100], [150], [30, 100], [30, 100, 150, 400]]) {
        const pairs = Array.from(
          { length: count },
          (_, n): Pair => [
            String(n).padStart(lengths[n % lengths.length]!, '-'),
            `device-${count}`,
          ],
        );
        const expected = pairs.map(([event, device]) => formula(event, 'va', device));
        assert.deepEqual(idsOf(ids, pairs), expected);
      }
    }
  });

  test(`D1 ${path}: property: many at once are as one at a time`, () => {
    // The same object again and again, so that it carries what came before.
    const kept = new Map<string, NotificationIds>();
    const pairsOf = fc.array(fc.tuple(text, fc.oneof(text, withoutNul)), {
      minLength: 1,
      maxLength: 12,
    });
    fc.assert(
      fc.property(useCaseFew, pairsOf, (useCase, pairs) => {
        const ids = kept.get(useCase) ?? new NotificationIds(useCase, open());
        kept.set(useCase, ids);
        const expected = pairs.map(([event, device]) => notificationId(event, useCase, device));
        assert.deepEqual(idsOf(ids, pairs), expected);
      }),
      { seed: SEED, numRuns: 500 },
    );
  });

  test(`D1 ${path}: bytes that are not UTF-8 are hashed as they are`, () => {
    const event = Uint8Array.of(0xff, 0xfe);
    const device = Uint8Array.of(0xc3, 0x80, 0x80);
    const out = Buffer.alloc(36);
    const ids = new NotificationIds('va', open());
    ids.add(0, event, 0, 2, device, 0, 3);
    ids.flush(out);
    const message = Buffer.concat([Buffer.from('va\0'), device, Buffer.of(0), event]);
    assert.equal(out.toString().slice(0, 8), hash('sha256', message, 'hex').slice(0, 8));
  });

  test(`D1 ${path}: what is out of range is refused, and changes nothing`, () => {
    const ids = new NotificationIds('va', open(), 6);
    const [event, device] = [Buffer.from('event'), Buffer.from('device')];
    const add = (at: number) => ids.add(at, event, 0, 5, device, 0, 6);
    const ranges = [
      [-1, 5],
      [3, 2],
      [0, 6],
      [6, 6],
      [0, Number.NaN],
    ] as const;
    for (const [start, end] of ranges) {
      assert.throws(() => ids.add(0, event, start, end, device, 0, 6), RangeError);
      assert.throws(() => ids.add(0, device, 0, 6, event, start, end), RangeError);
    }
    for (let n = 0; n < 6; n++) add(36 * n);
    assert.throws(() => add(0), {
      name: 'RangeError',
      message: '6 ids pend already: flush them first',
    });
    assert.throws(() => ids.flush(Buffer.alloc(6 * 36 - 1)), RangeError);
    const out = Buffer.alloc(6 * 36);
    ids.flush(out);
    assert.equal(out.toString(), formula('event', 'va', 'device').repeat(6));
    // Nothing pends, so nothing is written.
    ids.flush(Buffer.alloc(0));
    add(36);
    ids.flush(out.fill('*'));
    assert.equal(
      out.toString(),
      `${'*'.repeat(36)}${formula('event', 'va', 'device')}${'*'.repeat(144)}`,
    );
  });

  test(`D1 ${path}: events and devices from many buffers`, () => {
    const ids = new NotificationIds('va', open());
    const out = Buffer.alloc(30 * 36);
    for (let n = 0; n < 30; n++) {
      const both = Buffer.from(`event-${n}device-${n % 3}`);
      const cut = both.indexOf('d');
      // Buffers, plain arrays and one that is both.
      const device = n % 2 === 0 ? both : new Uint8Array(both);
      ids.add(36 * n, both, 0, cut, device, cut, both.length);
      // They were read: what is in them later does not matter.
      both.fill(0);
      device.fill(0);
    }
    ids.flush(out);
    for (let n = 0; n < 30; n++) {
      const id = out.toString('latin1', 36 * n, 36 * n + 36);
      assert.equal(id, formula(`event-${n}`, 'va', `device-${n % 3}`));
    }
  });

  test(`D1 ${path}: more at once than the memory has room for at first`, () => {
    const pairs = Array.from({ length: 10_000 }, (_, n): Pair => [`event-${n}`, `device-${n % 9}`]);
    const ids = new NotificationIds('va', open());
    const expected = pairs.map(([event, device]) => formula(event, 'va', device));
    assert.deepEqual(idsOf(ids, pairs), expected);
    assert.deepEqual(idsOf(ids, pairs.slice(0, 3)), expected.slice(0, 3));
  });
}

test('D1 property: the id of a device without NUL is what it has always been', () => {
  fc.assert(
    fc.property(text, useCaseId, withoutNul, (event, useCase, device) => {
      assert.equal(notificationId(event, useCase, device), formula(event, useCase, device));
    }),
    { seed: SEED, numRuns: 500 },
  );
});

const withNul: readonly [event: string, device: string, hashed: string][] = [
  ['c', 'a\0b', '\0va\x003:a\0b\0c'],
  ['b\0c', '\0', '\0va\x001:\0\0b\0c'],
  ['', 'é\0', '\0va\x003:é\0\0'],
  ['x'.repeat(60), `${'d'.repeat(60)}\0`, `\0va\x0061:${'d'.repeat(60)}\0\0${'x'.repeat(60)}`],
];
for (const [event, device, hashed] of withNul) {
  test(`D1 a device id with NUL has a form of its own: ${JSON.stringify(hashed)}`, () => {
    assert.equal(notificationId(event, 'va', device), uuidOf(hashed));
    for (const [, open] of paths) {
      const got = idsOf(new NotificationIds('va', open()), [
        [event, device],
        ['e', 'd'],
      ]);
      assert.deepEqual(got, [uuidOf(hashed), formula('e', 'va', 'd')]);
    }
  });
}

test('D1 a NUL is found at every place of a device id of every length', () => {
  const devices: string[] = [];
  for (let length = 1; length <= 40; length++) {
    // Beside a NUL stand bytes that are near to it: the least, and the greatest of one byte in
    // UTF-8.
    const around = Array.from({ length }, (_, n) => (n % 2 === 0 ? '\x01' : '\x7f')).join('');
    devices.push(around);
    for (let n = 0; n < length; n++) devices.push(`${around.slice(0, n)}\0${around.slice(n + 1)}`);
  }
  const pairs = devices.map((device): Pair => ['e', device]);
  const expected = pairs.map(([event, device]) => notificationId(event, 'va', device));
  assert.deepEqual(idsOf(new NotificationIds('va'), pairs), expected);
});

test('D1 no two triples have one id, whatever they hold', () => {
  const letters = ['a', '\0', ':', '1'];
  const words = [''];
  for (let n = 0; n < 21; n++) words.push(...letters.map((letter) => words[n]! + letter));
  const seen = new Map<string, string>();
  for (const useCase of ['a', '1', 'a:', '1a', '1:']) {
    const pairs = words.flatMap((event) => words.map((device): Pair => [event, device]));
    const got = idsOf(new NotificationIds(useCase), pairs);
    for (const [n, pair] of pairs.entries()) {
      const triple = JSON.stringify([useCase, ...pair]);
      assert.equal(seen.get(got[n]!) ?? triple, triple);
      seen.set(got[n]!, triple);
    }
  }
  assert.equal(seen.size, 5 * words.length ** 2);
});

test('D1 property: where a NUL stands, at the end of a device or before an event, is told', () => {
  fc.assert(
    fc.property(useCaseId, text, text, text, (useCase, one, two, three) => {
      const left = notificationId(three, useCase, `${one}\0${two}`);
      assert.notEqual(left, notificationId(`${two}\0${three}`, useCase, one));
    }),
    { seed: SEED, numRuns: 500 },
  );
});

for (const useCase of ['', '\0', 'a\0b']) {
  test(`D1 ${JSON.stringify(useCase)} is not the id of a use case`, () => {
    assert.throws(() => new NotificationIds(useCase), RangeError);
    assert.throws(() => notificationId('e', useCase, 'd'), RangeError);
  });
}

/** What a thread does: ids of a thousand events, as one text. */
const IN_THREAD = `
  const { parentPort, workerData } = require('node:worker_threads');
  import(workerData.file).then(({ NotificationIds }) => {
    const ids = new NotificationIds(workerData.useCase);
    const out = Buffer.alloc(36_000);
    for (let n = 0; n < 1000; n++) {
      const event = Buffer.from('event-' + n);
      ids.add(36 * n, event, 0, event.length, event, 0, 5);
    }
    ids.flush(out);
    parentPort.postMessage(out.toString('latin1'));
  });
`;

test('D1 threads have their own, and their ids are the same', async () => {
  const file = new URL('./notification-id.ts', import.meta.url).href;
  const useCases = ['va', 'pc', 'va'];
  const texts = useCases.map((useCase) => {
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    const worker = new Worker(IN_THREAD, { eval: true, workerData: { file, useCase } });
    worker.once('message', resolve).once('error', reject);
    return promise;
  });
  const expected = useCases.map((useCase) =>
    Array.from({ length: 1000 }, (_, n) => formula(`event-${n}`, useCase, 'event')).join(''),
  );
  assert.deepEqual(await Promise.all(texts), expected);
});
