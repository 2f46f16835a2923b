/** What analysts do with a log: look into it, drive what was recorded, compare, send back. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { ByteWriter } from '../core/bytes.ts';
import { lanesWith, planChange, planChanges } from '../test/kit/drive.ts';
import { WrittenLog, type WrittenRecord } from '../test/kit/written-log.ts';

/** A morning that is long over. */
const AT = Date.UTC(2026, 2, 3, 9);
const EVENTS = 'events.plan-change';
const TOPOLOGY = lanesWith(planChanges({}));
const DEDUP = '      - dedup: { by: [value.eventId], within: 10m, keys_max: 1_000 }\n';

const changed = (n: number, of: Partial<WrittenRecord> = {}): WrittenRecord => {
  const at = AT + n * 1_000;
  const key = of.key ?? `m-${1 + (n % 2)}`;
  const value = planChange(`e-${n}`, key, { changedAt: at, streamsMax: n });
  return { topic: EVENTS, partition: n % 2 === 0 ? 0 : 3, key, value, at, ...of };
};
const devices = (memberId: string, deviceIds: readonly string[], at: number): WrittenRecord => {
  const rows = deviceIds.map((deviceId) => ({
    deviceId,
    epoch: 1,
    class: 'tv',
    transports: ['inbox'],
    updatedAt: at,
  }));
  return {
    topic: 'tables.devices',
    partition: 1,
    key: memberId,
    value: { memberId, devices: rows },
    at,
  };
};
const letter = (n: number, code: string, of: Partial<WrittenRecord> = {}): WrittenRecord => ({
  ...changed(n),
  topic: 'dead-letters',
  value: Buffer.from(`bytes of ${n}`),
  headers: {
    trace: `t-${n}`,
    'carillon.code': code,
    'carillon.reason': 'why',
    'carillon.stream': 'plan-change',
    'carillon.step': 'source',
    'carillon.topic': EVENTS,
    'carillon.partition': String(n % 2 === 0 ? 0 : 3),
    'carillon.offset': '7',
  },
  ...of,
});

/** A row of dedup, as its changelog has it. */
const seen = (eventId: string, at: number): WrittenRecord => ({
  topic: 't.critical.plan-change.dedup-changelog',
  partition: 2,
  key: `s${eventId}`,
  value: new ByteWriter()
    .int(0)
    .int(-1)
    .blob(new ByteWriter().double(at).int(7).int(3).text(EVENTS).done())
    .done(),
  at,
});

const RECORDS = [
  ...[0, 1, 2, 3, 4, 5].map((n) => changed(n)),
  devices('m-1', ['tv-0'], AT - 9_000),
  devices('m-2', ['tv-2'], AT - 8_000),
  devices('m-1', ['tv-1', 'ph-1'], AT - 7_000),
  devices('m-3', ['tv-3'], AT - 7_000),
  { ...devices('m-3', [], AT - 6_000), value: null },
];

/** The offsets that `tail` prints as JSON, with their partitions. */
const places = (out: string) =>
  out
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line))
    .map(({ partition, offset }) => `${partition}@${offset}`);

describe('a log that was written', () => {
  const log = new WrittenLog(TOPOLOGY);
  before(() => log.write(RECORDS));
  after(() => log.close());

  const tails: readonly [options: string, places: readonly string[], says: RegExp][] = [
    ['', ['0@0', '3@0', '0@1', '3@1', '0@2', '3@2'], /^# 6 of 6 records/],
    ['--partition 3', ['3@0', '3@1', '3@2'], /^# 3 of 3/],
    ['--partition 3 --offset 1', ['3@1', '3@2'], /^# 2 of 2/],
    ['--partition 0 --offset 9', [], /^# no records/],
    ['--key m-2', ['3@0', '3@1', '3@2'], /^# 3 of 3/],
    ['--key nobody', [], /^# no records/],
    ['--from 2026-03-03T09:00:02Z', ['0@1', '3@1', '0@2', '3@2'], /^# 4 of 4/],
    ['--to 2026-03-03T09:00:02Z', ['0@0', '3@0'], /^# 2 of 2/],
    ['--from 2026-03-03T09:00:02Z --to 2026-03-03T09:00:04Z', ['0@1', '3@1'], /^# 2 of 2/],
    ['--to 1h --where value.streamsMax>3', ['0@2', '3@2'], /^# 2 of 6/],
    ['--where value.streamsMax>30', [], /^# none of 6 records is what --where asks for/],
    ['--count 1', ['0@0'], /^# 1 of 1/],
  ];
  for (const [options, expected, says] of tails) {
    test(`tail ${options}`, () => {
      const more = options === '' ? '' : ` ${options}`;
      const { code, out, said } = log.carillon(`tail ${EVENTS} --format json${more}`);
      assert.equal(code, 0, said);
      assert.deepEqual(places(out), expected);
      assert.match(said, says);
    });
  }

  const refusals: readonly [words: string, code: string, exit: number, says: RegExp][] = [
    [`tail ${EVENTS} --offset 3`, 'CAR900', 2, /add --partition/],
    ['tail events.* --partition 0 --offset 3', 'CAR900', 2, /one topic/],
    [`tail ${EVENTS} --partition 4`, 'CAR900', 2, /partitions 0 to 3/],
    [`tail ${EVENTS} --to start`, 'CAR900', 2, /before the start/],
    [`tail ${EVENTS} --to yesterday`, 'CAR910', 2, /--to/],
    ['tail events.plan-chagne', 'CAR605', 1, /did you mean "events.plan-change"/],
    ['tail nothing.*', 'CAR605', 1, /that fits/],
    ['record --max 3', 'CAR922', 1, /more than 3 records/],
    ['record --out none/below.jsonl', 'CAR923', 1, /ENOENT/],
    ['drive --in none.jsonl', 'CAR902', 1, /no such file/],
    ['redrive --reason CAR508 --to start', 'CAR900', 2, /before the start/],
  ];
  for (const [words, code, exit, says] of refusals) {
    test(`${words}: ${code}`, () => {
      const ended = log.carillon(words);
      assert.match(ended.said, new RegExp(` error ${code} `));
      assert.match(ended.said, says);
      assert.deepEqual([ended.code, ended.out], [exit, '']);
    });
  }

  test('of a table the present rows, or all of them', () => {
    const keys = (words: string) =>
      log
        .carillon(words)
        .out.split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line).key);
    assert.deepEqual(keys('tail tables.devices --format json'), ['m-2', 'm-1']);
    assert.deepEqual(keys('tail tables.devices --format json --key m-1'), ['m-1']);
    assert.deepEqual(keys('tail tables.devices --format json --history'), [
      'm-1',
      'm-2',
      'm-1',
      'm-3',
      'm-3',
    ]);
  });

  test('several topics and a pattern; only how many', () => {
    const { out } = log.carillon('tail events.* tables.devices --format count');
    const counts = Object.fromEntries(
      out.split('\n').map((line) => line.split('\t').reverse() as [string, string]),
    );
    assert.deepEqual([counts[EVENTS], counts['tables.devices']], ['6', '2']);
    assert.equal(counts['events.connections'], '0');
  });

  test('what tail prints is driven unchanged, at its own time', () => {
    const table = log.carillon('tail tables.devices --format json').out;
    const events = log.carillon(`tail ${EVENTS} --format json`).out;
    const { code, out, said } = log.carillon('drive', table + events);
    assert.equal(code, 0, said);
    const lines = out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    const told = lines
      .filter(({ sink }) => sink === 'inbox')
      .map(({ key, value }) => [key, value.eventId]);
    assert.deepEqual(told.length, 3 * 2 + 3);
    assert.deepEqual(lines.at(-1).end.dead_letters, 0);
  });

  test('a recording: tables first, then events in the order of time', () => {
    const { said } = log.carillon('record --from 2026-03-03T09:00:01Z --out hour.jsonl');
    assert.equal(said, '# 5 records, after 2 rows of tables\n');
    const lines = readFileSync(join(log.folder, 'hour.jsonl'), 'utf8').trim().split('\n');
    const seen = lines
      .map((line) => JSON.parse(line))
      .map(({ key, offset, timestamp }) => [key, offset, timestamp - AT]);
    assert.deepEqual(seen, [
      ['m-2', 1, -8_000],
      ['m-1', 2, -7_000],
      ['m-2', 0, 1_000],
      ['m-1', 1, 2_000],
      ['m-2', 1, 3_000],
      ['m-1', 2, 4_000],
      ['m-2', 2, 5_000],
    ]);
  });

  test('and its diff: the same, and with another topology', () => {
    log.carillon('record --out all.jsonl');
    const drive = (topology: string, out: string) => {
      writeFileSync(join(log.folder, `${out}.yaml`), topology);
      const driven = log.carillon(`drive ${out}.yaml --in all.jsonl --drops`);
      assert.equal(driven.code, 0, driven.said);
      writeFileSync(join(log.folder, `${out}.jsonl`), driven.out);
    };
    drive(TOPOLOGY, 'a');
    const filtered = "      - filter: { where: 'value.streamsMax < 5' }\n";
    drive(lanesWith(planChanges({ steps: filtered })), 'b');
    const same = log.carillon('diff a.jsonl a.jsonl');
    assert.equal(
      same.out,
      '0 only in the first, 0 only in the second, 0 changed, 0 in another order, 9 equal\n',
    );
    assert.equal(same.code, 0);
    const other = log.carillon('diff a.jsonl b.jsonl');
    assert.equal(other.code, 1);
    const lines = other.out.trim().split('\n');
    assert.match(lines[0]!, /^- inbox tv-2 /);
    assert.deepEqual(lines.slice(1), [
      '# end passed: 6 → 5',
      '# dropped plan-change/filter filtered: 0 → 1',
      '1 only in the first, 0 only in the second, 0 changed, 0 in another order, 8 equal',
    ]);
    assert.match(log.carillon('diff a.jsonl all.yaml').said, /CAR902/);
    writeFileSync(join(log.folder, 'cut.jsonl'), '{"end":{}}\n{"sink":"in');
    assert.match(log.carillon('diff a.jsonl cut.jsonl').said, /cut.jsonl:2 {2}error CAR924/);
  });
});

describe('dead letters', () => {
  const log = new WrittenLog(TOPOLOGY);
  before(() =>
    log.write([
      letter(0, 'CAR508'),
      letter(1, 'CAR508'),
      letter(2, 'CAR505'),
      letter(3, 'CAR510', {
        headers: { ...letter(3, 'CAR510').headers, 'carillon.topic': 'notifications.critical.fcm' },
      }),
      letter(4, 'CAR506', { headers: { ...letter(4, 'CAR506').headers, 'carillon.form': 'json' } }),
    ]),
  );
  after(() => log.close());

  const events = () => places(log.carillon(`tail ${EVENTS} --format json`).out);

  test('a dry run says what would be sent, and sends nothing', () => {
    const { code, out, said } = log.carillon('redrive');
    assert.equal(code, 0, said);
    assert.match(out, / 1 {2}CAR505 {2}events.plan-change\n +2 {2}CAR508 {2}events.plan-change\n/);
    assert.match(out, /Left out: 1 are of no topic of events; 1 hold what a step had made/);
    assert.match(out, /\n3 dead letters would be sent back. Nothing was/);
    assert.deepEqual(events(), []);
  });

  test('by reason, by time and by key', () => {
    const last = (words: string) => log.carillon(words).out.split('\n').at(-2);
    const would = (n: string) => `${n} would be sent back. Nothing was: say --send to do it.`;
    assert.equal(last('redrive --reason CAR505'), would('1 dead letter'));
    assert.equal(last('redrive --reason CAR505,CAR508 --key m-1'), would('2 dead letters'));
    assert.equal(last('redrive --to 2026-03-03T09:00:01Z'), would('1 dead letter'));
    assert.equal(last('redrive --origin events.other'), would('0 dead letters'));
  });

  test('a reason that does not exist is refused, and the nearest is named', () => {
    for (const [words, says] of [
      ['redrive --reason CAR580', /no code "CAR580"[\s\S]*did you mean "CAR510"/],
      ['redrive --reason CAR508,late', /no code "late"[\s\S]*CAR505, CAR506, CAR508, CAR510/],
    ] as const) {
      const { code, out, said } = log.carillon(words);
      assert.deepEqual([code, out], [2, '']);
      assert.match(said, / error CAR900 /);
      assert.match(said, says);
    }
    const none = log.carillon('redrive --reason CAR501');
    assert.match(none.out, /^0 dead letters would be sent back/, 'a code, of which there are none');
  });

  test('what is sent is what came, and is sent once', () => {
    assert.match(log.carillon('redrive --reason CAR508 --send').out, /2 were sent\.\n$/);
    assert.match(
      log.carillon('redrive --send').out,
      /Left out: 2 were sent back before;[\s\S]*1 were sent\.\n$/,
    );
    assert.match(log.carillon('redrive --send').out, /3 were sent back before/);
    assert.deepEqual(events(), ['0@0', '3@0', '0@1']);
    const [first] = log
      .carillon(`tail ${EVENTS} --format json`)
      .out.split('\n')
      .map((line) => JSON.parse(line || '{}'));
    assert.deepEqual(
      [first.key, first.timestamp, Buffer.from(first.raw, 'base64').toString(), first.headers],
      ['m-1', AT, 'bytes of 0', { trace: 't-0', 'carillon.redriven': 'dead-letters/0@0' }],
    );
  });
});

describe('a recording of an hour after which devices changed', () => {
  const log = new WrittenLog(TOPOLOGY);
  before(() =>
    log.write([
      changed(0),
      changed(1),
      devices('m-1', ['tv-1'], AT - 9_000),
      devices('m-1', ['tv-9'], AT + 60_000),
      // Compaction has taken the row before.
      devices('m-2', ['tv-2'], AT + 60_000),
      devices('m-2', ['tv-3'], AT + 61_000),
      devices('m-3', ['tv-3'], AT - 9_000),
      { ...devices('m-3', [], AT - 8_000), value: null },
    ]),
  );
  after(() => log.close());

  const rows: readonly [command: string, deviceIds: readonly string[]][] = [
    ['record --to 2026-03-03T09:00:30Z', ['tv-1', 'tv-2']],
    ['record', ['tv-9', 'tv-3']],
    ['tail tables.devices --format json --to 2026-03-03T09:00:30Z', ['tv-1']],
  ];
  for (const [command, deviceIds] of rows) {
    test(command, () => {
      const lines = log
        .carillon(command)
        .out.split('\n')
        .filter((line) => line !== '');
      const tables = lines.map((line) => JSON.parse(line)).filter(({ value }) => value.devices);
      assert.deepEqual(
        tables.map(({ value }) => value.devices[0].deviceId).sort(),
        [...deviceIds].sort(),
      );
    });
  }
});

describe('what steps keep', () => {
  const log = new WrittenLog(lanesWith(planChanges({ steps: DEDUP })));
  before(() => log.write([seen('e-1', AT), seen('e-2', AT + 1)]));
  after(() => log.close());
  const lines = (words: string) => {
    const { code, out, said } = log.carillon(`query --format json${words}`);
    assert.equal(code, 0, said);
    const rows = out.split('\n').filter((line) => line !== '');
    return { rows: rows.map((line) => JSON.parse(line)), said };
  };
  const row = { atMs: AT, offset: 7, partition: 3, topic: EVENTS };

  test('which stores there are', () => {
    assert.deepEqual(
      lines('').rows.map(({ store, rows }) => `${rows} ${store}`),
      [
        '2 plan-change/dedup',
        '0 critical/numbers',
        '0 devices-register/register_device',
        '0 devices-fold/fold_devices',
        '0 devices-tokens/own_token',
        '0 devices-presence/fold_presence',
      ],
    );
  });

  test('their rows, by key and range', () => {
    const { rows, said } = lines(' plan-change/dedup --key e-1');
    const base = { store: 'plan-change/dedup', priority: 'critical', partition: 2, due: null };
    assert.deepEqual(rows, [{ ...base, key: 'e-1', row, written: AT }]);
    assert.equal(said, '# plan-change/dedup, critical: 1 of 2 rows\n');
    assert.match(
      lines(' plan-change/dedup --max 1').said,
      /1 of 2 rows; 2 match, --max shows more/,
    );
    const { out } = log.carillon('query plan-change/dedup --range e-2..');
    assert.equal(out, `e-2  ${JSON.stringify({ ...row, atMs: AT + 1 })}\n`);
  });

  const refusals: readonly [words: string, code: string, exit: number, says: RegExp][] = [
    ['plan-change/dedpu', 'CAR925', 1, /did you mean "plan-change\/dedup"/],
    ['zzz', 'CAR925', 1, /see all of them: carillon query/],
    ['plan-change/dedup --range 7', 'CAR900', 2, /m-100\.\.m-200/],
  ];
  for (const [words, code, exit, says] of refusals) {
    test(`query ${words}: ${code}`, () => {
      const ended = log.carillon(`query ${words}`);
      assert.match(ended.said, new RegExp(` error ${code} `));
      assert.match(ended.said, says);
      assert.deepEqual([ended.code, ended.out], [exit, '']);
    });
  }
});
