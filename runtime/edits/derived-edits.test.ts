/** A table that is made of two others, over edits: its state goes by its id and its definition. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryLog } from '../../connectors/memory/log.ts';
import type { AvroRecord } from '../../schemas/folder.ts';
import { MemoryRegistry } from '../../schemas/memory-registry.ts';
import { Driven, planOf, withSchemas } from '../../test/kit/drive.ts';
import { startOfEdit } from '../../test/kit/start-of-edit.ts';
import { appliedOf } from './applied.ts';
import { compareFiles } from './comparison.ts';
import type { Losing } from './judge.ts';
import { sentenceOf } from './words.ts';

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
const schemas = [MEMBER, PLAN, CONTRACT];
const folder = withSchemas(schemas);

const topology = (name = 'contracts', type = 'inner', topic = 'tables.contracts', id = 'ct') =>
  `topology: t
tables:
  members: { topic: tables.members, schema: Member, key: memberId }
  plans: { topic: tables.plans, schema: Plan, key: planId }
  ${name}:
    id: ${id}
    from: { table: members, join: plans, by: planId, type: ${type}, as: plan }
    topic: ${topic}
    schema: Contract
    key: memberId
streams:
  none: { id: no, from: { topic: none, schema: Plan }, to: { topic: nowhere, schema: Plan } }
`;

class World {
  readonly log = new MemoryLog();
  readonly registry = new MemoryRegistry();

  async apply(text: string, losing: Losing = 'refuse'): Promise<void> {
    await startOfEdit(this.log, planOf(text, folder), text, losing);
  }

  /** The rows that were written while it ran, `m1=A`, `m1=-`, `x m1`. */
  async run(text: string, words: string, losing?: Losing): Promise<string> {
    await this.apply(text, losing);
    const driven = await Driven.open(text, { schemas, log: this.log, registry: this.registry });
    for (const word of words.split(' ').filter(Boolean)) {
      const [key = '', of = ''] = word.split(/[>=]/);
      if (word.includes('>'))
        await driven.feed('tables.members', key, { memberId: key, planId: of });
      else await driven.feed('tables.plans', key, { planId: key, title: of });
    }
    await driven.end();
    const { table } = driven.plan.derived[0]!;
    return driven
      .of(table.topic)
      .map(({ key, value }) => {
        const { plan } = (value ?? {}) as { plan?: { title: string } | null };
        return value === null ? `x ${key}` : `${key}=${plan?.title ?? '-'}`;
      })
      .join(' ');
  }
}

test('another name keeps all: rows are not made again', async () => {
  const world = new World();
  assert.equal(await world.run(topology(), 'm1>p1 p1=A m2>p2'), 'm1=A');
  assert.equal(await world.run(topology('agreements'), 'p2=B'), 'm2=B');
});

test('another definition is refused with the same topic, and told', async () => {
  const world = new World();
  await world.run(topology(), 'm1>p1 p1=A m2>p2');
  for (const is of [
    topology('contracts', 'left'),
    topology('contracts', 'inner', undefined, 'cn'),
  ]) {
    await assert.rejects(world.apply(is), /CAR294|made in another way/);
    const losses = compareFiles(
      appliedOf(planOf(topology(), folder), topology()),
      appliedOf(planOf(is, folder), is),
    ).stakes.losses.map(({ code }) => code);
    assert.deepEqual(losses, ['CAR294']);
  }
});

test('with another topic it begins anew, of all rows', async () => {
  const world = new World();
  await world.run(topology(), 'm1>p1 p1=A m2>p2');
  const is = topology('contracts', 'left', 'tables.contracts-2');
  const told = await world.run(is, 'm2>p1');
  assert.deepEqual(told.split(' ').slice(-1), ['m2=A']);
  assert.ok(told.includes('m1=A') && told.includes('m2=-'), told);
});

test('with --drop it begins anew in the same topic', async () => {
  const world = new World();
  await world.run(topology(), 'm1>p1 p1=A m2>p2');
  const told = await world.run(topology('contracts', 'left'), '', 'drop');
  assert.ok(told.includes('m1=A') && told.includes('m2=-'), told);
});

test('what an edit does is said of the table', () => {
  const linesOf = (was: string, is: string) =>
    compareFiles(appliedOf(planOf(was, folder), was), appliedOf(planOf(is, folder), is))
      .lines.filter(({ of }) => of === 'table')
      .map(sentenceOf);
  const plain = topology().replace(/ {2}contracts:[\s\S]*memberId\n(?=streams)/, '');
  assert.deepEqual(linesOf(topology(), topology('agreements')), [
    'table "agreements" keeps: its state',
  ]);
  assert.deepEqual(linesOf(plain, topology()), ['table "contracts" starts: of all rows']);
  assert.deepEqual(linesOf(topology(), plain), [
    'table "contracts" ends: its rows stay in its topic',
  ]);
  assert.deepEqual(linesOf(topology(), topology('contracts', 'left', 'tables.other')), [
    'table "contracts" starts: anew: it is made in another way',
  ]);
});
