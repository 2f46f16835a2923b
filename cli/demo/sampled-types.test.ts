/**
 * Wherever a topology has the key of its events, samples have the id of a sample member there: the
 * gateway takes them, and devices are told.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { keyOf } from '../../gateway/event-key.ts';
import { type FieldProblem, jsonEventReader } from '../../schemas/json-events.ts';
import { lanesWith, planOf, withSchemas } from '../../test/kit/drive.ts';
import { runSamples } from '../drive/sampled-run.ts';
import { sampleSource } from '../event-sources.ts';
import { eventTypesOf } from '../run/topology.ts';
import { sampledTypes } from './sampled-types.ts';

const SEED = 5;
const MEMBERS = 3;

const field = (name: string, type: unknown) => ({ name, type });
const record = (name: string, ...fields: object[]) => ({ type: 'record', name, fields });
const PASSENGER = record('Passenger', field('flyerId', 'string'));
const orNull = (type: unknown) => ['null', type];
const FACTS = record('Facts', field('at', 'long'), field('id', 'string'));

const rows: readonly [what: string, fields: object[], from: string, by: string][] = [
  ['a field', [field('flyerId', 'string')], ', key: value.flyerId', 'value.flyerId'],
  [
    'a field of a record',
    [field('passenger', PASSENGER)],
    ', key: value.passenger.flyerId',
    'value.passenger.flyerId',
  ],
  [
    'a field of records of records',
    [field('booking', record('Booking', field('passenger', PASSENGER)))],
    ', key: value.booking.passenger.flyerId',
    'value.booking.passenger.flyerId',
  ],
  [
    'a field of a record that is named',
    [field('first', orNull(PASSENGER)), field('second', 'Passenger')],
    ', key: value.second.flyerId',
    'value.second.flyerId',
  ],
  [
    'with time and id in records too',
    [field('passenger', PASSENGER), field('facts', FACTS)],
    ', key: value.passenger.flyerId, time: value.facts.at, id: value.facts.id',
    'key',
  ],
  ['memberId, unsaid', [field('memberId', 'string')], '', 'key'],
  ['memberId, which may be null', [field('memberId', orNull('string'))], '', 'key'],
  ['beside the event', [field('what', 'string')], '', 'key'],
  ['beside the event, which has a field "key"', [field('key', 'int')], ', key: key', 'key'],
];
for (const [what, fields, from, by] of rows) {
  test(`the key of samples: ${what} (seed ${SEED})`, async () => {
    const avro = { ...record('FlightChange', ...fields), namespace: 'air.events' };
    const schemas = withSchemas([avro as never]);
    const plan = planOf(
      lanesWith(`  flight-change:
    id: flight-change
    priority: { as: high }
    from: { topic: events.flight-change, schema: FlightChange${from} }
    steps:
      - fan_out: { table: devices, by: ${by} }
    to: { lane: notifications }
`),
      schemas,
    );
    const type = eventTypesOf({ plan, schemas } as never).get('flight-change')!;
    const { known, bySchema } = sampledTypes(plan, schemas);
    const options = { seed: SEED, run: 'r', members: MEMBERS, types: known, bySchema };
    const source = sampleSource({ ...options, mistakes: true });
    const reader = jsonEventReader(avro);
    const seen = new Set<string>();
    for (let n = 0; n < 400; n++) {
      const { value, key } = (await source(1_000_000_000))!;
      const problems: FieldProblem[] = [];
      reader.read(value, '', problems);
      assert.deepEqual(problems, []);
      const found = keyOf(type, value, key);
      assert.ok('key' in found, JSON.stringify(found));
      seen.add(found.key.replace(/^m-new-\d+$/, 'of nobody'));
    }
    assert.deepEqual([...seen].sort(), ['m-1', 'm-2', 'm-3', 'of nobody']);
    const run = { seed: SEED, events: 60, members: MEMBERS };
    const { streams, told } = await runSamples(plan, schemas, run);
    const [, fanOut] = streams[0]!.steps;
    assert.ok(fanOut!.passed > 40, JSON.stringify(streams));
    assert.ok(Object.values(told).some((count) => count > 40));
  });
}
