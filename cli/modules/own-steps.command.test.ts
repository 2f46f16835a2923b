/** Steps of one's own in a topology, from a module in the user's folder to what comes out. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { systemClock } from '../../core/clock.ts';
import type { Delivery } from '../../core/outcome.ts';
import type { Sink } from '../../core/spec.ts';
import { appliedOf } from '../../runtime/edits/applied.ts';
import { readDeployment } from '../deployment.ts';
import { type DriveOptions, drive, type InputLine } from '../exports.ts';
import { loadTopology } from '../load-topology.ts';
import { openSink } from '../run/services.ts';

const CLI = join(import.meta.dirname, '../carillon.ts');

const STEPS = `import { columns, count, deadLettered, dropped, HELD, IDENTITY, PASSED, path, paths, processor, Record, text } from 'carillon';
import { map } from 'rxjs';

/** Drops amounts below a bound, refuses those that are none; notes what it has seen in a header. */
const big = processor.each({
  type: 'big',
  summary: 'Keep the large amounts.',
  config: { of: path('The amount.', ['int']), least: count('The least.', 10) },
  drops: { small: 'Less than \`least\`.' },
  deadLetters: { NO_AMOUNT: 'It is negative.' },
  counts: { seen: 'All of them.' },
  example: '- big: { of: value.amount }',
  open({ of, least }, context) {
    return (record) => {
      context.count('seen');
      const amount = of.read(record) as number;
      if (amount === 13) throw new Error('unlucky');
      if (amount < 0) return deadLettered('NO_AMOUNT');
      if (amount < least) return dropped('small');
      const before = record.headers ?? [];
      record.headers = [...before, { key: 'seen-by', value: Buffer.from(context.step) }];
      return PASSED;
    };
  },
});

const twice = processor.expand({
  type: 'twice',
  summary: 'Send each on as often as it says.',
  config: { note: text('What the note of a copy is.') },
  example: '- twice: { note: copy }',
  open: ({ note }) => (record, emit) => {
    const { times } = record.value as { times: number };
    for (let n = 0; n < times; n++) {
      const copy = emit(record);
      copy.value = { ...(record.value as object), note: note + n };
      copy.eventId = \`\${record.eventId}#\${n}\`;
    }
    return PASSED;
  },
});

const later = processor.timed({
  type: 'later',
  summary: 'Hold each for ten seconds; the newest of a name replaces the others.',
  config: { by: paths('What belongs together.', IDENTITY) },
  drops: { replaced: 'A newer one came.' },
  rows: columns({ held: 'record' }),
  keyedBy: 'by',
  example: '- later: { by: [value.name] }',
  open: (_config, { store, clock, settle }) => ({
    record(record, _emit, key) {
      if (key === null) return PASSED;
      const before = store.get(key);
      if (before !== undefined) settle(dropped('replaced'), 1, before.held.offset);
      store.put(key).held.hold(record);
      store.setDue(clock.now() + 10_000);
      return HELD;
    },
    due(emit) {
      emit.held();
      settle(PASSED);
      store.delete();
    },
  }),
});

const even = processor.operator({
  type: 'even',
  summary: 'Let even amounts through.',
  config: {},
  example: '- even: {}',
  open: () =>
    map((slice) => {
      let kept = 0;
      for (const i of slice.selection.slice(0, slice.selected)) {
        const { amount } = new Record(slice, i).value as { amount: number };
        if (amount % 2 === 0) slice.selection[kept++] = i;
      }
      slice.selected = kept;
      return slice;
    }),
});

export default [big, twice, later, even];
`;

const SCHEMA = {
  type: 'record',
  name: 'Purchase',
  namespace: 'shop',
  fields: [
    { name: 'name', type: 'string' },
    { name: 'amount', type: 'int' },
    { name: 'times', type: 'int', default: 1 },
    { name: 'note', type: ['null', 'string'], default: null },
  ],
};

const topology = (...steps: readonly string[]) => `topology: shop
streams:
  purchases:
    id: purchases
    from: { topic: purchases, schema: Purchase }
    steps:
${steps.map((step) => `      - ${step}\n`).join('')}    to: { topic: large, schema: Purchase }
`;

const TEST = `topology: shop
tests:
  - it: lets even amounts through
    feed:
      - { at: 0s, stream: purchases, key: a, value: { name: a, amount: 2 } }
    expect:
      - { at: 0s, topic: large, key: a, value: { amount: 2 } }
`;

const root = mkdtempSync(join(tmpdir(), 'carillon-own-'));
after(() => rmSync(root, { recursive: true }));
let folders = 0;

function folderOf(steps: readonly string[], module = STEPS): string {
  const folder = join(root, String(++folders));
  const files = {
    'steps.ts': module,
    'shop.yaml': topology(...steps),
    'schemas/purchase.avsc': JSON.stringify(SCHEMA),
    'carillon.yaml': 'topology: shop.yaml\nschemas: [schemas]\nprocessors: [steps.ts]\n',
  };
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  return folder;
}

const bought = (name: string, amount: number, times = 1): InputLine => ({
  topic: 'purchases',
  key: name,
  value: { name, amount, times, note: null },
});

const carillon = (folder: string, ...words: readonly string[]) =>
  spawnSync(process.execPath, [CLI, ...words], { cwd: folder, encoding: 'utf8' });

async function driven(
  steps: readonly string[],
  lines: readonly InputLine[],
  more: Partial<DriveOptions> = {},
) {
  const test = await drive({ folder: folderOf(steps), env: {}, ...more });
  const out = await test.feed(...lines);
  return { out, sums: await test.end() };
}

test('each: passes, drops, refuses and counts as it declares; headers go along', async () => {
  const lines = [bought('a', 20), bought('b', 3), bought('c', -1), bought('d', 13)];
  const { out, sums } = await driven(['big: { of: value.amount }'], lines);
  const told = out.map((line) => {
    if ('drop' in line) return `${line.drop.step} ${line.drop.reason}`;
    if (!('headers' in line)) return assert.fail('neither a record nor a drop');
    const { 'carillon.code': code, 'carillon.step': step, 'seen-by': by } = line.headers;
    return `${line.topic} ${line.key} ${code ?? ''} ${step ?? by}`;
  });
  assert.deepEqual(told, [
    'large a  big',
    'big small',
    'dead-letters c NO_AMOUNT big',
    'dead-letters d CAR506 big',
  ]);
  assert.deepEqual(sums.dropped, { small: 1 });
  assert.equal(sums.dead_letters, 2);
});

test('expand: what it makes is written by the schema, and has ids of its own', async () => {
  const { out } = await driven(['twice: { note: copy }'], [bought('a', 1, 2), bought('b', 1, 0)]);
  const notes = out.map((line) => ('value' in line ? line.value.note : line));
  assert.deepEqual(notes, ['copy0', 'copy1']);
});

test('timed: its rows live through a crash, and it lets go when their time has come', async () => {
  const { out, sums } = await driven(
    ['later: { by: [value.name] }'],
    [bought('a', 1), bought('a', 2), { crash: true }, { advance: '9s' }, { advance: '1s' }],
  );
  const told = out.map((line) => ('value' in line ? line.value.amount : line));
  assert.equal(told.at(-1), 2);
  assert.deepEqual(sums.dropped, { replaced: 1 });
  assert.equal(sums.passed, 1);
});

test('operator: what it leaves out is a drop, by a name that it need not declare', async () => {
  const { out, sums } = await driven(['even: {}'], [bought('a', 1), bought('b', 2)]);
  assert.equal(out.filter((line) => 'topic' in line).length, 1);
  assert.deepEqual(sums.dropped, { not_emitted: 1 });
});

test('a value that does not fit the schema is a dead letter', async () => {
  const wrong = STEPS.replace('note: note + n', 'note: n');
  const folder = folderOf(['twice: { note: copy }'], wrong);
  const test = await drive({ folder, env: {} });
  const [letter] = await test.feed(bought('a', 1));
  assert.ok(letter !== undefined && 'headers' in letter);
  assert.equal(letter.headers['carillon.code'], 'CAR511');
  await test.end();
});

const wrong: readonly (readonly [it: string, step: string, code: string, what: RegExp])[] = [
  ['an option is missing', 'big: {}', 'CAR302', /"?of"?/],
  ['an option has a typo', 'big: { of: value.amount, leats: 3 }', 'CAR301', /leats/],
  ['an option is out of bounds', 'big: { of: value.amount, least: 0 }', 'CAR305', /least/],
  ['a field is not in the schema', 'big: { of: value.amuont }', 'CAR402', /amuont/],
  ['a step has a typo', 'bigg: { of: value.amount }', 'CAR204', /did you mean "big"/],
];
for (const [it, step, code, what] of wrong) {
  test(`the desk tells it when ${it}`, async () => {
    await assert.rejects(drive({ folder: folderOf([step]), env: {} }), (error: Error) => {
      assert.match(error.message, new RegExp(code));
      assert.match(error.message, what);
      return true;
    });
  });
}

test('an edit of the code is an edit of the topology', () => {
  const hashOf = (module: string) => {
    const folder = folderOf(['even: {}'], module);
    const { stdout, stderr } = carillon(folder, 'describe', '--format', 'json');
    assert.equal(stderr, '');
    return JSON.parse(stdout).hash as string;
  };
  const hash = hashOf(STEPS);
  assert.equal(hashOf(STEPS), hash);
  assert.notEqual(hashOf(STEPS.replace('=== 0', '!== 1')), hash);
});

test('an edit of the code keeps the rows of a step, other columns are other rows', async () => {
  const meaningOf = async (module: string) => {
    const folder = folderOf(['later: { by: [value.name] }'], module);
    const deployment = readDeployment({ file: undefined, folder, env: {} });
    const { plan, text } = await loadTopology(deployment, { folder, env: {} });
    return appliedOf(plan, text).streams[0]!.instances[0]!.stores[0]!.meaning;
  };
  const meaning = await meaningOf(STEPS);
  assert.equal(meaning, 'later by=["value.name"] rows={"held":"record"}');
  assert.equal(await meaningOf(STEPS.replace('10_000', '20_000')), meaning);
  assert.notEqual(
    await meaningOf(STEPS.replace("held: 'record'", "held: 'record', n: 'int'")),
    meaning,
  );
});

test('explain has its reference', () => {
  const { stdout } = carillon(folderOf(['even: {}']), 'explain', 'big');
  assert.match(stdout, /^# big\n\nKeep the large amounts\./);
  assert.match(stdout, /`least` \| whole number, at least 1 \| `10` \| The least\./);
  assert.match(stdout, /`NO_AMOUNT`: It is negative\./);
});

for (const [command, ...more] of [
  ['check'],
  ['describe'],
  ['plan'],
  ['test', 'shop.test.yaml'],
  ['drive'],
  ['dev', '--once'],
  ['explain', 'big'],
] as const) {
  test(`${command} takes modules on its line, and tells what is wrong with them`, () => {
    const folder = folderOf(['even: {}']);
    writeFileSync(join(folder, 'carillon.yaml'), 'topology: shop.yaml\nschemas: [schemas]\n');
    writeFileSync(join(folder, 'shop.test.yaml'), TEST);
    writeFileSync(join(folder, 'other.ts'), 'throw new Error("broken");');
    const own = ['--processors', 'steps.ts'];
    if (command === 'test') {
      const right = carillon(folder, command, ...own, ...more);
      assert.match(right.stdout, /✔ lets even amounts through/, right.stderr);
    }
    const wrong = carillon(folder, command, ...own, '--processors', 'other.ts', ...more);
    assert.equal(wrong.status, 1);
    assert.match(
      wrong.stdout + wrong.stderr,
      /other\.ts:1:7 {2}error CAR945 module-failed\n {2}it cannot be imported: broken\.[\s\S]*Mend: /,
    );
  });
}

const SIREN = `import { sink, text } from 'carillon';
export default sink({
  type: 'siren', summary: 'Sounds.', config: { host: text('Where.') }, promises: ['None.'],
  batchMax: 1, needsOwner: false, example: 'to: { type: siren, host: a }',
  open: async ({ host }, { settings }) => {
    const told: string[] = [];
    return {
      told,
      probe: async () => {},
      deliver: async (batch) => batch.map(({ notification }) => {
        told.push(host + ' ' + settings.key + ' ' + notification.id);
        return { kind: 'delivered' as const };
      }),
      close: async () => {},
    };
  },
});
`;

const withSiren = (settings: string) => {
  const folder = join(root, String(++folders));
  mkdirSync(folder);
  const text = readFileSync(join(import.meta.dirname, '../../topology/reno.yaml'), 'utf8');
  const used = text.replace(/to: *\{ type: fcm,.*$/m, 'to: { type: siren, host: here }');
  assert.notEqual(used, text);
  writeFileSync(join(folder, 'reno.yaml'), used);
  writeFileSync(join(folder, 'siren.ts'), SIREN);
  const deployment = `topology: reno.yaml\nprocessors: siren.ts\nconnectors: { ${settings} }\n`;
  writeFileSync(join(folder, 'carillon.yaml'), deployment);
  const read = readDeployment({ file: undefined, folder, env: {} });
  return { deployment: read, loaded: loadTopology(read, { folder, env: {} }) };
};

test("a sink of one's own is checked, opened with its settings, and delivers", async () => {
  const { deployment, loaded } = withSiren('siren: { key: k }');
  const { plan } = await loaded;
  const siren = plan.sinks.find(({ spec }) => spec.type === 'siren')!;
  assert.match(siren.spec.version!, /^code /);
  const services = { clock: systemClock, payload: async () => null };
  const opened = await openSink(siren, services, deployment.connectors.siren!);
  const outcomes = await opened.deliver([{ notification: { id: 'n-1' } } as Delivery]);
  assert.deepEqual(outcomes, [{ kind: 'delivered' }]);
  assert.deepEqual((opened as Sink & { told: string[] }).told, ['here k n-1']);
});

test('settings of a sink that is none are refused', async () => {
  await assert.rejects(withSiren('sirene: { key: k }').loaded, {
    code: 'CAR903',
    mend: 'did you mean "siren"?',
  });
});
