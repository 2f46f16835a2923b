/** What the desk says of the schemas that a topology names, and of what it reads of them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { steps } from '../processors/index.ts';
import { type AvroRecord, schemaFolderOf } from '../schemas/folder.ts';
import { compile } from './compile.ts';

const record = (name: string, ...fields: readonly object[]) =>
  ({ type: 'record', name, namespace: 'acme', fields }) as unknown as AvroRecord;
const CARD = { type: 'record', name: 'Card', fields: [{ name: 'last4', type: 'string' }] };
const IBAN = { type: 'record', name: 'Iban', fields: [{ name: 'iban', type: 'string' }] };

/** Errors as `code: what`, without the stream's name; `from` and `steps` are those of a stream. */
function told(field: object, from: string, step = ''): string[] {
  return diagnosticsOf(field, from, step).map(
    ({ code, what }) => `${code}: ${what.replace('stream "s", ', '')}`,
  );
}

function mendsOf(field: object, from: string, step = ''): string[] {
  return diagnosticsOf(field, from, step).map(({ mend }) => mend);
}

function diagnosticsOf(field: object, from: string, step: string) {
  const event = record('Event', { name: 'eventId', type: 'string' }, field);
  const schemas = schemaFolderOf(new Map([['Event', { record: event, file: 'event.avsc' }]]));
  const text = `topology: t
streams:
  s:
    id: s
    from: { topic: events.x, schema: Event${from} }
    steps: [${step}]
    to: { topic: out, schema: Event }
`;
  const catalog = { steps, sinks: new Map() };
  return compile(text, { file: 't.yaml', catalog, schemas, env: {} }).diagnostics;
}

const logical = (type: string, logicalType?: string) =>
  logicalType === undefined ? type : { type, logicalType };
const times: readonly [unknown, string | undefined][] = [
  [logical('long'), undefined],
  [logical('long', 'timestamp-millis'), undefined],
  [['long'], undefined],
  [{ type: { type: 'long', logicalType: 'timestamp-millis' } }, undefined],
  // A logical type of one's own says nothing that is known.
  [logical('long', 'acme-time'), undefined],
  [logical('long', 'timestamp-micros'), 'a time in microseconds (timestamp-micros)'],
  [logical('long', 'timestamp-nanos'), 'a time in nanoseconds (timestamp-nanos)'],
  [{ type: logical('long', 'timestamp-micros') }, 'a time in microseconds (timestamp-micros)'],
  [
    logical('long', 'local-timestamp-millis'),
    'a local time without its zone (local-timestamp-millis)',
  ],
  [logical('long', 'time-micros'), 'a time of day (time-micros)'],
  [logical('int', 'time-millis'), 'a time of day (time-millis)'],
  [logical('int', 'date'), 'a date, a number of days'],
  [logical('int'), 'a 32-bit int'],
  // Where it does not belong, a logical type counts for nothing (Avro 1.12, logical types).
  [logical('int', 'timestamp-millis'), 'a 32-bit int'],
  [logical('string', 'timestamp-millis'), 'a text'],
  ['double', 'a number'],
  [['null', 'long'], 'a whole number or null'],
  [['long', 'int'], 'a union of long, int'],
  [['long', 'string'], 'a union of long, string'],
  [['null', 'string', logical('long')], 'a union of null, string, long'],
];
for (const [type, is] of times) {
  test(`time: on ${JSON.stringify(type)} is ${is === undefined ? 'good' : 'CAR403'}`, () => {
    const what = `from, time: value.at is ${is}, which is not a time (epoch milliseconds).`;
    const expected = is === undefined ? [] : [`CAR403: ${what}`];
    assert.deepEqual(told({ name: 'at', type }, ', time: value.at'), expected);
  });
}

const WITHOUT_TIME =
  'Or leave `time` out: then the time of the record counts, as its producer wrote it.';
const IN_MILLIS =
  'Let the producer write it in milliseconds: { type: long, logicalType: timestamp-millis }.';
const mends: readonly [what: string, from: string, type: unknown, mend: string][] = [
  [
    'microseconds',
    ', time: value.at',
    logical('long', 'timestamp-micros'),
    `${IN_MILLIS} ${WITHOUT_TIME}`,
  ],
  [
    'local nanoseconds',
    ', time: value.at',
    logical('long', 'local-timestamp-nanos'),
    `${IN_MILLIS} ${WITHOUT_TIME}`,
  ],
  ['seconds of 32 bits', ', time: value.at', 'int', `${IN_MILLIS} ${WITHOUT_TIME}`],
  ['a day', ', time: value.at', logical('int', 'date'), WITHOUT_TIME],
  ['a time of day', ', time: value.at', logical('long', 'time-micros'), WITHOUT_TIME],
  ['a text', ', time: value.at', 'string', WITHOUT_TIME],
  [
    'a time that may be null',
    ', time: value.at',
    ['null', 'long'],
    `Let the producer always give it: a long without null. ${WITHOUT_TIME}`,
  ],
  [
    'a text beside a time',
    ', time: value.eventId',
    'long',
    `Fields that can be used: value.at. ${WITHOUT_TIME}`,
  ],
  [
    'a list as an id',
    ', id: value.at',
    { type: 'array', items: 'string' },
    'Fields that can be used: value.eventId. Or leave `id` out: then topic, partition and offset are the id.',
  ],
  [
    'a number as a key',
    ', key: value.at',
    'long',
    'Fields that can be used: value.eventId. Or leave `key` out: then the key of the record counts.',
  ],
];
for (const [what, from, type, mend] of mends) {
  test(`CAR403: ${what} is told what to do`, () => {
    assert.deepEqual(mendsOf({ name: 'at', type }, from), [mend]);
  });
}

const ZONE = 'One zone for all stands under zone_default: write zone_default: Europe/Berlin.';
for (const [written, mend] of [
  ['Europe/Berlin', ZONE],
  [`"'Europe/Berlin'"`, ZONE],
  ['Europe/Berln', ZONE],
  ['UTC', ZONE.replace('Europe/Berlin', 'UTC')],
  ['eventId', 'did you mean "value.eventId"?   Write value.<field>, key or timestamp.'],
  ['here/there', 'Write value.<field>, key or timestamp.'],
] as const) {
  test(`quiet_hours by zone: ${written}: ${mend}`, () => {
    const step = `{ quiet_hours: { from: "22:00", to: "07:00", zone: ${written} } }`;
    assert.deepEqual(mendsOf({ name: 'at', type: 'long' }, '', step), [mend]);
  });
}

const where = (expression: string) => `{ filter: { where: '${expression}' } }`;
const SEVERAL = ['null', CARD, IBAN];
const several = 'union of acme.Card, acme.Iban';
const unions: readonly [unknown, string, string | undefined][] = [
  [SEVERAL, where('has(value.pay.iban)'), 'CAR404: step "filter": value.pay is a'],
  [SEVERAL, where('value.pay != null && value.pay.iban == "DE"'), 'CAR404'],
  [SEVERAL, '{ dedup: { by: [value.pay.iban] } }', `value.pay is a ${several}, it has no fields.`],
  [SEVERAL, where('value.pay != null && "acme.Iban" in value.pay'), undefined],
  [
    SEVERAL,
    where('value.pay != null && "acme.Iban" in value.pay && value.pay["acme.Iban"].iban == "DE"'),
    undefined,
  ],
  [['int', 'long'], '{ dedup: { by: [value.pay.long] } }', 'CAR404'],
  // One record beside null has its fields; beside text they are there when it is one.
  [['null', CARD], where('value.pay != null && value.pay.last4 == "1"'), undefined],
  [['string', CARD], where('has(value.pay.last4)'), undefined],
];
for (const [type, step, expected] of unions) {
  test(`${JSON.stringify(type).slice(0, 30)}, ${step}: ${expected ?? 'good'}`, () => {
    const said = told({ name: 'pay', type }, '', step);
    if (expected === undefined) assert.deepEqual(said, []);
    else {
      assert.equal(said.length, 1);
      assert.ok(said[0]!.includes(expected) || said[0]!.startsWith('CAR404'), said[0]);
    }
  });
}

test('CAR408: a name that two records have is told with both, and full names are taken', () => {
  const records = new Map([
    ['acme.orders.Created', { record: record('Created'), file: 'orders.avsc' }],
    ['acme.users.Created', { record: record('Created'), file: 'users.avsc' }],
  ]);
  const text = (name: string) => `topology: t
streams:
  s:
    id: s
    from: { topic: events.x, schema: ${name} }
    steps: []
    to: { topic: out, schema: ${name} }
`;
  const catalog = { steps, sinks: new Map() };
  const options = { file: 't.yaml', catalog, schemas: schemaFolderOf(records), env: {} };
  const { diagnostics } = compile(text('Created'), options);
  assert.deepEqual(
    diagnostics.map(({ code, where: { line, column } }) => `${line}:${column} ${code}`),
    ['5:38 CAR408', '7:31 CAR408'],
  );
  const [first] = diagnostics;
  assert.match(first!.what, /acme\.orders\.Created in orders\.avsc, and acme\.users\.Created in/);
  assert.equal(first!.mend, 'Write the full name: acme.orders.Created or acme.users.Created.');
  const { plan } = compile(text('acme.users.Created'), options);
  assert.equal(plan?.subTopologies[0]?.streams[0]?.source.projection.schema, 'acme.users.Created');
});
