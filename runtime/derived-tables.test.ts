/** Tables that are made of two others, from a topology's text to what is written. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describe } from '../compiler/describe.ts';
import type { AvroRecord } from '../schemas/folder.ts';
import { compiledOf, Driven } from '../test/kit/drive.ts';

const record = (name: string, fields: { readonly [field: string]: unknown }): AvroRecord => ({
  type: 'record',
  name,
  fields: Object.entries(fields).map(([field, type]) => ({ name: field, type }) as never),
});
const MEMBER = record('Member', { memberId: 'string', planId: ['null', 'string'] });
const PLAN = record('Plan', { planId: 'string', title: 'string' });
const CONTRACT = record('Contract', {
  memberId: 'string',
  planId: ['null', 'string'],
  plan: ['null', PLAN],
});
const EVENT = record('Seen', { memberId: 'string', title: ['null', 'string'] });
const schemas = [MEMBER, PLAN, CONTRACT, EVENT];

const STREAM = `streams:
  seen:
    id: se
    from: { topic: events.seen, schema: Seen, key: value.memberId, start: earliest }
    steps:
      - join: { table: contracts, type: left, as: contract }
      - map:
          fields:
            memberId: value.memberId
            title: 'value.contract == null || value.contract.plan == null ? null : value.contract.plan.title'
    to: { topic: told, schema: Seen }
`;
const text = (from = 'by: planId, type: left, as: plan', more = '') => `topology: t
tables:
  members: { topic: tables.members, schema: Member, key: memberId }
  plans: { topic: tables.plans, schema: Plan, key: planId }
  contracts:
    id: ct
    from: { table: members, join: plans, ${from} }
    topic: tables.contracts
    schema: Contract
    key: memberId
${more}${STREAM}`;

/** `m1>p1` a member and its plan, `m1>-` one without, `p1=Basic` a plan, `x m1` deleted, `? m1`. */
async function feed(driven: Driven, words: string): Promise<void> {
  for (const word of words.split(',').map((one) => one.trim())) {
    const [memberId = '', planId = ''] = word.split('>');
    const [plan = '', title = ''] = word.split('=');
    const [sign, key = ''] = word.split(' ');
    if (word === 'crash' || word === 'restart') await driven.driver[word]();
    else if (word.includes('>')) {
      const of = { memberId, planId: planId === '-' ? null : planId };
      await driven.feed('tables.members', memberId, of);
    } else if (word.includes('=')) {
      await driven.feed('tables.plans', plan, { planId: plan, title });
    } else if (sign === 'x') {
      await driven.raw(key.startsWith('m') ? 'tables.members' : 'tables.plans', key, null);
    } else await driven.feed('events.seen', key, { memberId: key, title: null });
  }
}

const rows = (driven: Driven) =>
  driven.of('tables.contracts').map(({ key, value }) => {
    const { planId, plan } = (value ?? {}) as { planId?: string; plan?: { title: string } | null };
    return value === null ? `x ${key}` : `${key}>${planId ?? '-'}=${plan?.title ?? '-'}`;
  });

const open = (of = text(), more = {}) => Driven.open(of, { schemas, partitions: 3, ...more });

const INNER = 'by: planId, type: inner, as: plan';
const LEFT = 'by: planId, type: left, as: plan';
const CASES: readonly (readonly [what: string, from: string, words: string, told: string])[] = [
  ['inner: both', INNER, 'm1>p1, p1=A', 'm1>p1=A'],
  ['inner: the right one first', INNER, 'p1=A, m1>p1', 'm1>p1=A'],
  ['inner: a right row has many left ones', INNER, 'm1>p1, m2>p1, p1=A', 'm1>p1=A m2>p1=A'],
  ['inner: another foreign key', INNER, 'p1=A, p2=B, m1>p1, m1>p2', 'm1>p1=A m1>p2=B'],
  ['inner: one without a row takes it back', INNER, 'p1=A, m1>p1, m1>p2', 'm1>p1=A x m1'],
  ['inner: the former one concerns it no more', INNER, 'm1>p1, m1>p2, p1=A', ''],
  ['inner: null takes it back', INNER, 'p1=A, m1>p1, m1>-', 'm1>p1=A x m1'],
  ['inner: null from the beginning', INNER, 'p1=A, m1>-', ''],
  [
    'inner: the right row goes, and comes',
    INNER,
    'p1=A, m1>p1, x p1, p1=B',
    'm1>p1=A x m1 m1>p1=B',
  ],
  ['inner: the left row goes', INNER, 'p1=A, m1>p1, x m1, p1=B', 'm1>p1=A x m1'],
  ['inner: what was never there goes', INNER, 'x m1, x p1, m1>p1, x m1', ''],
  ['left: alone', LEFT, 'm1>p1, m2>-', 'm1>p1=- m2>-=-'],
  ['left: the right row comes and goes', LEFT, 'm1>p1, p1=A, x p1', 'm1>p1=- m1>p1=A m1>p1=-'],
  ['left: null', LEFT, 'p1=A, m1>p1, m1>-', 'm1>p1=A m1>-=-'],
  ['left: the left row goes', LEFT, 'm1>p1, x m1, p1=A', 'm1>p1=- x m1'],
  ['over a crash', INNER, 'm1>p1, m2>p1, crash, p1=A, restart, x p1', 'm1>p1=A m2>p1=A x m1 x m2'],
];

for (const [what, from, words, told] of CASES) {
  test(what, async () => {
    const driven = await open(text(from));
    await feed(driven, words);
    assert.deepEqual(
      rows(driven).sort().join(' '),
      told
        .split(/ (?=x|m)(?<!x )/)
        .sort()
        .join(' '),
    );
    assert.deepEqual(driven.letters, []);
    await driven.end();
  });
}

test('a stream joins the derived table as any other', async () => {
  const driven = await open();
  await feed(driven, 'p1=Basic, m1>p1, ? m1, ? m2, p1=Premium, ? m1, x m1, ? m1');
  const titles = driven
    .of('told')
    .map(({ key, value }) => `${key} ${(value as { title: string }).title}`);
  assert.deepEqual(titles, ['m1 Basic', 'm2 null', 'm1 Premium', 'm1 null']);
  await driven.end();
});

test('its two halves have roles of their own, and its state is found by its name', async () => {
  const driven = await open();
  const roles = driven.plan.subTopologies.map(({ role }) => role);
  assert.deepEqual(roles, ['streams', 'tables/ct', 'tables/ct/right']);
  await feed(driven, 'p1=Basic, m1>p1');
  assert.equal(driven.driver.rows('tables/contracts/left').length, 1);
  assert.equal(driven.driver.rows('tables/contracts/right').length, 1);
  assert.equal(driven.driver.rows('tables/contracts/asked').length, 1);
  const printed = describe(driven.plan)
    .split('\n')
    .filter((line) => line.includes('contracts/'));
  assert.ok(
    printed.some((line) => line.includes('Processor: contracts/ask ')),
    printed.join('\n'),
  );
  await driven.end();
});

test('a derived table is made of another one', async () => {
  const more = `  named:
    id: nm
    from: { table: contracts, join: titles, by: planId, own_as: contract, as: title }
    topic: tables.named
    schema: Named
    key: memberId
  titles: { topic: tables.titles, schema: Plan, key: planId }
`;
  const named = record('Named', { memberId: 'string', contract: CONTRACT, title: 'Plan' });
  const driven = await Driven.open(text(LEFT, more), { schemas: [...schemas, named] });
  await feed(driven, 'p1=A, m1>p1');
  await driven.feed('tables.titles', 'p1', { planId: 'p1', title: 'T' });
  const [row] = driven.of('tables.named');
  assert.equal(row!.key, 'm1');
  assert.equal((row!.value as { title: { title: string } }).title.title, 'T');
  await driven.end();
});

test('a row that cannot be read, or has no key, is a dead letter', async () => {
  const driven = await open(text(LEFT));
  await driven.raw('tables.members', 'm1', Buffer.from('nothing of ours'));
  await driven.raw(
    'tables.plans',
    null,
    driven.schemas.encoder('Plan').toBuffer({ planId: 'p', title: 't' }),
  );
  assert.deepEqual(driven.letters, [
    'CAR503 tables/ct/table members tables.members/2@0',
    'CAR503 tables/ct/right/table plans tables.plans/0@0',
  ]);
  await driven.end();
});

const codes = (of: string) =>
  compiledOf(of, schemas).diagnostics.map(({ code, what: said }) => `${code} ${said}`);

const FAULTS: readonly (readonly [what: string, from: string, told: RegExp])[] = [
  ['an unknown table', LEFT, /CAR201 .*"nobody"/],
  ['a foreign key that is none', 'by: plan, as: plan', /CAR402 .*"plan"/],
  ['an outer one by a foreign key', 'by: planId, type: outer, own_as: own, as: plan', /CAR292/],
  ['an outer one without a name', 'type: outer, as: plan', /CAR263/],
  ['a name that is there', 'by: planId, as: planId', /CAR280/],
  ['a row that does not fit', 'by: planId, as: other', /CAR406 .*"other" is not a field/],
  ['a null that has no place', LEFT, /CAR406 .*"plan"/],
  ['rows that nobody knows', LEFT, /^CAR401 .*"Nothing"[^\n]*$/],
  ['rows of the right that nobody knows', LEFT, /^CAR401 .*"Plans"[^\n]*$/],
];
const WRONG: ReadonlyMap<string, readonly [from: string, to: string]> = new Map([
  ['an unknown table', ['join: plans', 'join: nobody']],
  ['a null that has no place', ['schema: Contract', 'schema: Strict']],
  ['rows that nobody knows', ['schema: Contract', 'schema: Nothing']],
  ['rows of the right that nobody knows', ['schema: Plan,', 'schema: Plans,']],
]);
for (const [what, from, told] of FAULTS) {
  test(`at the desk: ${what}`, () => {
    const [right, wrong] = WRONG.get(what) ?? ['', ''];
    const of = text(from).replace(right, wrong);
    const strict = record('Strict', { memberId: 'string', planId: ['null', 'string'], plan: PLAN });
    const { diagnostics } = compiledOf(of, [...schemas, strict]);
    assert.match(diagnostics.map(({ code, what: said }) => `${code} ${said}`).join('\n'), told);
  });
}

test('at the desk: circles, topics of others, keys and ids', () => {
  const circle = text().replace('join: plans,', 'join: contracts,');
  assert.match(codes(circle).join('\n'), /CAR290 .*contracts → contracts/);
  const twice = text(
    LEFT,
    `  again:
    id: ct
    from: { table: members, join: plans, by: planId, type: left, as: plan }
    topic: tables.contracts
    schema: Contract
    key: planId
`,
  );
  const told = codes(twice).join('\n');
  assert.match(told, /CAR208 .*"ct"/);
  assert.match(told, /CAR291 .*tables\.contracts/);
  assert.match(told, /CAR293 .*planId/);
});

test('what comes of each change is counted: nobody is answered who has left', async () => {
  const driven = await open(text(INNER));
  await feed(driven, 'm1>p1, m1>p2, p1=A, x m2, m3>-, m1>-');
  assert.deepEqual(driven.drops, [
    'tables/ct/right/answer no_match',
    'tables/ct/join no_match',
    'tables/ct/right/answer no_match',
    'tables/ct/ask no_row',
    'tables/ct/ask null_key',
    'tables/ct/ask null_key',
  ]);
  assert.equal(driven.driver.rows('tables/contracts/asked').length, 0);
  await driven.end();
});
