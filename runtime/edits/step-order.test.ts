import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lanesWith, planOf } from '../../test/kit/drive.ts';
import { streamText } from '../../test/kit/edited-pipeline.ts';
import { appliedOf } from './applied.ts';
import { otherPlace } from './step-order.ts';

const WAIT = 'coalesce: { by: [value.memberId], quiet: 10m, at_most: 1h }';
const FILTER = `filter: { where: "value.planTo != 'free'" }`;
const DEDUP = 'dedup: { by: [value.eventId], within: 1h }';
const map = (plan: string) =>
  'map: { fields: { eventId: value.eventId, memberId: value.memberId, ' +
  `planFrom: value.planFrom, planTo: ${plan}, ` +
  'streamsMax: value.streamsMax, changedAt: value.changedAt } }';
const KEPT = map('value.planTo');
const BY_KEY = `{ name: kept, ${KEPT.replace('value.memberId', 'key')} }`;

/** `with` is left out. */
const FLAT = "map: { fields: { all: '[value]' } }\n      - flat_map: { of: value.all }";

const stepsOf = (...steps: string[]) => {
  const text = lanesWith(streamText({ id: 'x', steps }));
  return appliedOf(planOf(text), text).streams[0]!.instances[0]!.steps!;
};

for (const [what, was, is, why] of [
  ['nothing', [FILTER, WAIT], [FILTER, WAIT], null],
  ['a step put in ahead', [WAIT], [FILTER, WAIT], null],
  ['a step put in behind', [WAIT], [WAIT, FILTER], null],
  ['a step ahead taken out', [FILTER, WAIT], [WAIT], null],
  ['two ahead change places', [FILTER, DEDUP, WAIT], [DEDUP, FILTER, WAIT], null],
  ['one goes behind', [FILTER, WAIT], [WAIT, FILTER], null],
  [
    'one comes ahead',
    [WAIT, FILTER],
    [FILTER, WAIT],
    'filter is ahead of it now, and was behind it',
  ],
  ['a map behind', [WAIT], [WAIT, KEPT], null],
  ['another expression ahead', [KEPT, WAIT], [map(`"'basic'"`), WAIT], null],
  ['a flat_map without fields of its own', [FLAT, BY_KEY, WAIT], [FLAT, BY_KEY, WAIT], null],
  [
    'a map put in ahead',
    [WAIT],
    [KEPT, WAIT],
    'the event → map fields=eventId,memberId,planFrom,planTo,streamsMax,changedAt',
  ],
  [
    'a map goes behind',
    [KEPT, WAIT],
    [WAIT, KEPT],
    'map fields=eventId,memberId,planFrom,planTo,streamsMax,changedAt → the event',
  ],
] as const) {
  test(`the place of a step that holds: ${what}`, () => {
    assert.equal(otherPlace(stepsOf(...was), stepsOf(...is), 'coalesce'), why);
  });
}
