import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AggregateCall } from '../core/aggregate-call.ts';
import { Record } from '../core/record.ts';
import { Slice } from '../core/slice.ts';
import type { TimedEmit } from '../core/spec.ts';
import { fieldReader } from '../test/kit/steps.ts';
import { WindowResults } from './window-results.ts';
import type { Window } from './window-rows.ts';

const FIELDS = { n: new AggregateCall('count()', 'count', null) };

function recordOf(value: unknown): Record {
  const record = new Record(new Slice(0, 1), 0);
  record.slice.clearSlots(0);
  record.key = 'm-1';
  record.timestamp = 70;
  record.value = value;
  record.eventId = 'e-1';
  return record;
}

/** What is emitted by `tell`, which is given a record and what sends it on. */
function emitted(value: unknown, tell: (record: Record, emit: TimedEmit) => void): string {
  const sent: Record[] = [];
  const send = (record: Record) => {
    sent.push(record);
    return record;
  };
  const emit = Object.assign(send, {
    held: () => assert.fail(),
    value: () => assert.fail(),
    view: () => assert.fail(),
    blank: () => send(recordOf(null)),
  });
  tell(recordOf(value), emit);
  assert.equal(sent.length, 1);
  return told(sent[0]!);
}

const told = ({ key, timestamp, eventId, count, value }: Record) =>
  JSON.stringify([key, timestamp, eventId, count, value]);

for (const [what, by, form, expected] of [
  [
    'without windows',
    ['key'],
    { hasBounds: false, retracts: false },
    ['["m-1",70,"e-1",1,{"n":2}]'],
  ],
  [
    'with bounds, parts and retractions',
    ['key', 'value.of.title'],
    { hasBounds: true, retracts: true },
    [
      '["m-1",70,"e-1@60",1,{"title":"t","window_start":60,"window_end":70,"retracted":false,"n":2}]',
      '["m-1",70,"e-1-@60",1,{"title":"t","window_start":60,"window_end":70,"retracted":true,"n":2}]',
      '["m-1",70,"[\\"m-1\\",\\"t\\"]@60/70",2,{"title":"t","window_start":60,"window_end":70,"retracted":false,"n":2}]',
    ],
  ],
] as const) {
  test(`what is told of a window: ${what}`, () => {
    const results = new WindowResults({ by: by.map(fieldReader), fields: FIELDS }, form);
    const value = { of: { title: 't' } };
    const maker = results.makerFor(recordOf(value));
    const window: Window = maker.with(maker.with(maker.empty(60, 70)));
    const out = [emitted(value, (record, emit) => results.update(record, window, emit))];
    if (form.retracts) {
      out.push(emitted(value, (record, emit) => results.retract(record, window, emit)));
      out.push(emitted(value, (_record, emit) => results.final(window, emit)));
    }
    assert.deepEqual(out, expected);
  });
}
