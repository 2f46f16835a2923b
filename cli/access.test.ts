/** What each role may do: whole for the roles, nothing that another does alone. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { planOf, withSchemas } from '../test/kit/drive.ts';
import { LOADED } from '../test/kit/fed-reader.ts';
import { accessOf, aclCommands, type Grant, userOf } from './access.ts';
import { rolesOf } from './run/roles.ts';

const EVENTS = ['events.plan-change', 'events.viewing-activity'];
const { plan } = LOADED;
const access = accessOf(plan, { clientId: 'carillon', events: EVENTS });
const grantsOf = (role: string) => access.find((one) => one.role === role)!.grants;
const named = (role: string, operation: Grant['operations'][number], resource = 'topic') =>
  grantsOf(role)
    .filter((grant) => grant.resource === resource && grant.operations.includes(operation))
    .map(({ name }) => name)
    .sort();

test('every role of the topology, and the three that are no process of it', () => {
  const roles = access.map(({ role }) => role).sort();
  assert.deepEqual(roles, [...rolesOf(plan), 'deploy', 'producer', 'analyst'].sort());
});

test('no resource is named twice in a role', () => {
  for (const { role, grants } of access) {
    const keys = grants.map(({ resource, name, prefixed }) => `${resource} ${prefixed} ${name}`);
    assert.equal(new Set(keys).size, keys.length, role);
  }
});

const writes: readonly [role: string, topics: readonly string[]][] = [
  ['producer', EVENTS],
  ['analyst', []],
  ['ingest', [...EVENTS, 'events.device-registration', 'outcomes', 'tables.ingest-keys']],
  [
    'console',
    plan.topics.filter(({ use }) => use === 'events' || use === 'ticks').map(({ name }) => name),
  ],
  ['gateway', ['events.connections', 'events.device-registration', 'outcomes', 'tables.gateways']],
  [
    'streams/high',
    [
      'dead-letters',
      ...['apns', 'fcm', 'inbox', 'websocket'].map((of) => `notifications.high.${of}`),
      'reno.high.numbers-changelog',
      'reno.high.pf.dedup-changelog',
    ],
  ],
  [
    'sink/fcm/low',
    [
      'dead-letters',
      'events.device-registration',
      'fcm-retry.low',
      ...['apns', 'fcm', 'inbox', 'websocket'].map((of) => `notifications.low.${of}`),
      'outcomes',
    ],
  ],
];
for (const [role, topics] of writes) {
  test(`${role} writes ${topics.length === 0 ? 'nothing' : topics.join(', ')}`, () => {
    assert.deepEqual(named(role, 'Write'), [...topics].sort());
  });
}

const reads: readonly [role: string, topics: readonly string[]][] = [
  ['producer', []],
  ['gateway', ['reno.applied', 'tables.device-owners', 'tables.presence']],
  ['ingest', ['reno.applied', 'tables.device-owners', 'tables.ingest-keys']],
  [
    'streams/high',
    [
      'events.profile-change',
      'reno.applied',
      'reno.high.numbers-changelog',
      'reno.high.pf.dedup-changelog',
      'tables.devices',
    ],
  ],
  [
    'sink/websocket/low',
    [
      'notifications.low.websocket',
      'reno.applied',
      'tables.device-owners',
      'tables.gateways',
      'tables.presence',
    ],
  ],
];
for (const [role, topics] of reads) {
  test(`${role} reads ${topics.length === 0 ? 'nothing' : topics.join(', ')}`, () => {
    assert.deepEqual(named(role, 'Read'), [...topics].sort());
  });
}

test('only who deploys makes topics, and only who streams has transactions', () => {
  for (const { role } of access) {
    assert.equal(named(role, 'Create').length > 0, role === 'deploy', role);
    const streams = plan.subTopologies.map((sub) => sub.role);
    const isTransactional = role === 'deploy' || streams.includes(role);
    assert.equal(named(role, 'Write', 'transactional-id').length > 0, isTransactional, role);
  }
  assert.deepEqual(named('streams/high', 'Write', 'transactional-id'), ['reno.streams.high-']);
  assert.deepEqual(named('streams/high', 'Read', 'group'), ['carillon.read.', 'reno.streams.high']);
});

test('as commands: what has the same rights shares one', () => {
  const user = userOf('reno', 'sink/fcm/low');
  const grant = (name: string, operations: Grant['operations']): Grant => ({
    resource: 'topic',
    name,
    prefixed: false,
    operations,
  });
  const grants: Grant[] = [
    grant('a', ['Read']),
    grant('b', ['Read', 'Write']),
    grant('c', ['Read']),
    { ...grant('g.', ['Read']), resource: 'group', prefixed: true },
  ];
  const head =
    "kafka-acls.sh --bootstrap-server k1:9092,k2:9092 --add --allow-principal 'User:reno-sink-fcm-low'";
  assert.deepEqual(aclCommands({ grants }, { user, brokers: ['k1:9092', 'k2:9092'] }), [
    `${head} --operation Read --topic a --topic c`,
    `${head} --operation Read --operation Write --topic b`,
    `${head} --operation Read --resource-pattern-type prefixed --group g.`,
  ]);
});

test('what makes a derived table reads both tables, and its halves each other’s topics', () => {
  const schema = 'schema: PlanChange, key: memberId';
  const text = `topology: t
tables:
  lefts: { topic: tables.left, ${schema} }
  rights: { topic: tables.right, ${schema} }
  made:
    id: md
    from: { table: lefts, join: rights, by: planTo, own_as: left, as: right }
    topic: tables.made
    schema: Made
    key: memberId
streams:
  seen:
    id: se
    from: { topic: events.plan-change, schema: PlanChange }
    steps: [{ join: { table: rights, as: right } }, { map: { fields: { id: value.right.planTo } } }]
    to: { topic: seen, schema: Id }
`;

  const change = withSchemas([]).get('PlanChange')!;
  const made = {
    type: 'record',
    name: 'Made',
    fields: [
      { name: 'memberId', type: 'string' },
      { name: 'left', type: change },
      { name: 'right', type: 'reno.events.PlanChange' },
    ],
  } as const;
  const id = { type: 'record', name: 'Id', fields: [{ name: 'id', type: 'string' }] } as const;
  const derived = planOf(text, withSchemas([made, id]));
  const [hash] = derived.derived.map((one) => one.hash);
  const all = accessOf(derived, { clientId: 'carillon', events: [] });
  const of = (role: string, operation: Grant['operations'][number]) =>
    all
      .find((one) => one.role === role)!
      .grants.filter((one) => one.resource === 'topic' && one.operations.includes(operation))
      .map(({ name }) => name.replace(`t.tables.md.${hash}.`, ''))
      .filter((name) => !/changelog$|^dead-letters$|^t\.applied$/.test(name))
      .sort();
  assert.deepEqual(of('tables/md', 'Read'), ['answers-repartition', 'tables.left']);
  assert.deepEqual(of('tables/md', 'Write'), ['asks-repartition', 'tables.made']);
  assert.deepEqual(of('tables/md/right', 'Read'), ['asks-repartition', 'tables.right']);
  assert.deepEqual(of('tables/md/right', 'Write'), ['answers-repartition']);
  assert.deepEqual(of('streams', 'Read'), ['events.plan-change', 'tables.right']);
});
