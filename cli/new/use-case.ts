/** A use case: its schema, its block in the topology, and a test that wants a repeat dropped. */
import { posix } from 'node:path';
import type { Plan } from '../../compiler/plan.ts';
import { CarillonError } from '../../core/error.ts';
import { pascal } from './names.ts';
import type { NewFile } from './new-file.ts';

export interface NewUseCase {
  readonly files: readonly NewFile[];
  /** The topology with the use case in it. */
  readonly text: string;
}

/**
 * `topology`: its path; `schemas`: the folder of schemas of one's own. Throws CAR949 where it would
 * have no place.
 */
export function newUseCase(
  name: string,
  of: { readonly plan: Plan; readonly text: string; topology: string; schemas: string },
): NewUseCase {
  const { plan, text, topology, schemas } = of;
  const lane = plan.lanes.find(({ transports }) => transports.includes('inbox'));
  const table = plan.tables.find(({ schema }) => schema === 'MemberDevices');
  const refuse = (what: string) => new CarillonError('CAR949', what, { where: { file: topology } });
  if (lane === undefined) throw refuse('the topology has no lane with the transport inbox.');
  if (table === undefined) throw refuse('the topology has no table of schema MemberDevices.');
  if (!STREAMS.test(text)) throw refuse('it has no line "streams:" that a use case could follow.');
  const priority = lane.order.nameOf(lane.priorities.at(-1)!);
  const { fields, deviceClasses } = plan.words;
  const { member } = fields;
  const lines = block(name, { priority, table: table.name, lane: lane.name, member });
  const told = lane.topicOf(lane.priorities.at(-1)!, 'inbox');
  const test = posix.join(posix.dirname(topology), `${name}.test.ts`);
  return {
    files: [
      { path: posix.join(schemas, `events/${name}.avsc`), text: schema(name, member) },
      {
        path: test,
        text: testOf(name, { topology, told, member, device: deviceOf(deviceClasses.names) }),
      },
    ],
    text: text.replace(STREAMS, (line) => `${line}${lines}`),
  };
}

const STREAMS = /^streams:[ \t]*(?:#.*)?\n/m;

/** A television where there are such, else a device of the first class that there is. */
const deviceOf = (classes: readonly string[]) =>
  classes.includes('tv') ? 'tv' : (classes[0] ?? 'tv');

const schema = (name: string, member: string) => `{
  "type": "record",
  "name": "${pascal(name)}",
  "namespace": "events",
  "doc": "What has happened to a member.",
  "fields": [
    { "name": "eventId", "type": "string" },
    { "name": "${member}", "type": "string" },
    { "name": "occurredAt", "type": { "type": "long", "logicalType": "timestamp-millis" } }
  ]
}
`;

const block = (
  name: string,
  { priority, table, lane, member }: { [of in 'priority' | 'table' | 'lane' | 'member']: string },
) => `  ${name}:
    id: ${name}                           # outlives the name
    doc: Something has happened to a member; every device is told.
    priority: { as: ${priority} }
    from: { topic: events.${name}, schema: ${pascal(name)}, time: value.occurredAt, id: value.eventId }
    steps:
      - gate_staleness: { max_age: 1h }
      - fan_out: { table: ${table}, by: value.${member}, devices_max: 64, on_excess: drop_least_recent }
    to: { lane: ${lane} }
`;

const testOf = (
  name: string,
  { topology, told, member, device }: { [of in 'topology' | 'told' | 'member' | 'device']: string },
) => `import assert from 'node:assert/strict';
import { test } from 'node:test';
import { drive } from 'carillon';

const at = Date.UTC(2026, 0, 1);
const device = { deviceId: '${device}-1', action: 'REGISTERED', memberId: 'm-1', class: '${device}', occurredAt: at };
const event = { eventId: 'e-1', ${member}: 'm-1', occurredAt: at };

test('${name} is told once, though its event comes twice', async () => {
  const driven = await drive({ topology: '${topology}' });
  await driven.feed({ topic: 'events.device-registration', key: device.deviceId, value: device });
  const line = { topic: 'events.${name}', key: 'm-1', value: event };
  const out = await driven.feed(line, line);
  const told = out.flatMap((one) => ('topic' in one && one.topic === '${told}' ? [one.key] : []));
  // The stream needs a step that knows a repeat: dedup.
  assert.deepEqual(told, [device.deviceId]);
  await driven.end();
});
`;
