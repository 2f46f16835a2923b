import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HandClock } from '../../core/clock.ts';
import { RENO_WORDS as WORDS } from '../../core/words.ts';
import {
  type TableRow,
  tableBatch,
  tableSchemas,
  UNKNOWN_ID,
} from '../../test/kit/table-records.ts';
import { SchemaLoader } from '../schema-loader.ts';
import { TableFeed } from './table-feed.ts';
import type { OnPoison } from './table-rows.ts';

const plans = [
  { name: 'owners', topic: 'tables.owners', schema: 'Device', key: 'deviceId' },
  { name: 'devices', topic: 'tables.devices', schema: 'MemberDevices', key: 'memberId' },
];

function open() {
  const away = { isAway: false };
  const clock = new HandClock(1_000);
  const schemas = tableSchemas(away);
  let loads = 0;
  const loader = new SchemaLoader(schemas, clock, () => loads++);
  const poisoned: [string | null, number, string][] = [];
  const onPoison: OnPoison = (record, why) => poisoned.push([record.key, record.offset, why]);
  const feed = new TableFeed(plans, schemas, loader, WORDS, onPoison);
  const add = (rows: readonly TableRow[], topic = 'tables.owners') =>
    feed.add(topic, tableBatch(rows, topic));
  return { feed, loader, clock, away, add, poisoned, loads: () => loads };
}

/** Lets what was asked for be loaded. */
const settle = () => new Promise((resolve) => setImmediate(resolve));

test('rows are those of the last record of their key, over batches and slices', () => {
  const { feed, add } = open();
  const many = Array.from({ length: 1_200 }, (_, n) => [`d-${n % 700}`, { n }] as const);
  add(many);
  add([
    ['d-3', null],
    ['d-4', { n: -4 }],
  ]);
  const view = feed.view('owners');
  assert.equal(view.size, 699);
  assert.deepEqual(
    ['d-0', 'd-3', 'd-4', 'd-600'].map((key) => view.get(key)),
    [{ n: 700 }, undefined, { n: -4 }, { n: 600 }],
  );
  assert.ok(feed.idle);
});

test('a table of devices is lines, and rows for who asks for rows', () => {
  const { feed, add } = open();
  const devices = [{ deviceId: 'tv-1', epoch: 1, class: 'tv', transports: ['fcm'], updatedAt: 5 }];
  add([['m-1', { memberId: 'm-1', devices }]], 'tables.devices');
  const view = feed.devices('devices');
  assert.ok(view.find(Buffer.from('m-1'), 0, 3));
  assert.deepEqual([view.size, view.lines.id(view.first), view.end], [1, 'tv-1', 1]);
  assert.deepEqual(feed.view('devices').get('m-1'), { memberId: 'm-1', devices });
});

test('a row is decoded when it is asked for, and once', () => {
  let decoded = 0;
  const schemas = tableSchemas({ isAway: false }, () => decoded++);
  const loader = new SchemaLoader(schemas, new HandClock(0), () => {});
  const feed = new TableFeed(plans, schemas, loader, WORDS, () => {});
  const add = (rows: readonly TableRow[]) =>
    feed.add('tables.owners', tableBatch(rows, 'tables.owners'));
  add([
    ['d-1', { n: 1 }],
    ['d-1', { n: 2 }],
    ['d-2', { n: 3 }],
  ]);
  assert.equal(decoded, 0);
  const owners = feed.view('owners');
  assert.deepEqual([owners.get('d-1'), owners.get('d-1')], [{ n: 2 }, { n: 2 }]);
  assert.equal(decoded, 1);
  add([['d-1', { n: 4 }]]);
  assert.deepEqual(owners.get('d-1'), { n: 4 });
  assert.equal(decoded, 2);
});

test('what is no table of this part of the topology: a topic is passed over, a name is a fault', () => {
  const { feed, add } = open();
  add([['k', { n: 1 }]], 'tables.presence');
  assert.ok(feed.idle);
  assert.throws(() => feed.view('presence'), /presence is not a table/);
  assert.throws(() => feed.devices('owners'), /owners is not a table/);
});

test('a record that cannot be a row is told and counted, and leaves the old one in force', () => {
  const { feed, add, poisoned } = open();
  add([
    ['d-1', { n: 1 }],
    ['d-1', Buffer.from('plain text')],
    ['d-1', { n: 2 }, UNKNOWN_ID],
    ['d-1', Buffer.from([0, 0, 0, 0, 7, 0x7b])],
    [null, { n: 3 }],
    ['d-2', { n: 4 }],
  ]);
  assert.deepEqual(feed.view('owners').get('d-1'), { n: 1 });
  assert.deepEqual(feed.view('owners').get('d-2'), { n: 4 });
  assert.equal(feed.undecodable, 4);
  assert.deepEqual(
    poisoned.map(([key, offset]) => [key, offset]),
    [
      ['d-1', 1],
      ['d-1', 2],
      ['d-1', 3],
      [null, 4],
    ],
  );
  assert.deepEqual(
    poisoned.map(([, , why]) => why.replace(/^Expected.*/, 'JSON')),
    ['no magic byte 0 and schema id', 'nobody knows the id', 'JSON', 'it has no key'],
  );
});

test('while a schema is missing the tables wait, in order, and nothing is lost or read twice', async () => {
  const { feed, add, loader, loads, poisoned } = open();
  add([
    ['d-1', { n: 1 }],
    [null, { n: 0 }],
    ['d-1', { n: 2 }, 8],
    ['d-1', { n: 3 }],
    ['d-2', { n: 4 }, 9],
  ]);
  add([['d-1', { n: 5 }]]);
  const view = feed.view('owners');
  assert.deepEqual([view.get('d-1'), feed.idle, loader.settled], [{ n: 1 }, false, false]);
  assert.equal(feed.drain(), false);
  await settle();
  assert.equal(loads(), 1);
  assert.equal(feed.drain(), false, 'the next one is missing now');
  assert.deepEqual(view.get('d-1'), { n: 3 });
  await settle();
  assert.equal(feed.drain(), true);
  assert.deepEqual([view.get('d-1'), view.get('d-2')], [{ n: 5 }, { n: 4 }]);
  assert.ok(feed.idle && loader.settled);
  assert.equal(poisoned.length, 1);
});

test('a registry that is away costs time, no row', async () => {
  const { feed, add, loader, clock, away } = open();
  away.isAway = true;
  add([['d-1', { n: 1 }, 8]]);
  await settle();
  assert.equal(feed.drain(), false);
  assert.equal(loader.trouble, 'the registry is away');
  away.isAway = false;
  clock.moveTo(loader.retryAtMs());
  assert.equal(loader.idle, false);
  await settle();
  assert.equal(feed.drain(), true);
  assert.deepEqual(feed.view('owners').get('d-1'), { n: 1 });
});
