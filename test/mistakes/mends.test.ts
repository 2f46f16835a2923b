/** What is said to be done: where a mend was wrong once, or has to name what is written. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BASE, type Edit, edited, tell } from './base.ts';

/** As a row of the other tables, with the mend in the place of the code. */
const MENDS: readonly Edit[] = [
  [
    'two steps of one type',
    '- sample:',
    '- dedup: { by: [value.memberId, value.titleId], within: 1m }\n      - sample:',
    'Give this one a name of its own: - { name: dedup-2, dedup: { … } }; state is bound to it.',
  ],
  [
    'a name among the options of a step',
    'dedup: { by',
    'dedup: { name: once, by',
    "A step's name stands beside its type: - { name: once, dedup: { … } }",
  ],
  [
    'a name among the options of a sink',
    'type: fcm, ',
    'type: fcm, name: push, ',
    'Options: project, type, in_flight_max, rate_max, timeout.',
  ],
  [
    'a text without quotes of its own',
    "where: 'value.kind",
    "where: 'STOPPED == value.titleId || value.kind",
    `An expression knows value, key and timestamp. A text has quotes of its own: '"STOPPED"'.`,
  ],
  [
    'the member is given anew, for its devices',
    '- sample: { keep: 99, of: 100 }',
    '- map: { fields: { eventId: value.eventId, profileId: value.profileId, titleId: value.titleId, occurredAt: value.occurredAt, deviceId: value.deviceId, memberId: value.profileId } }',
    "Give it the event's own: memberId: key.",
  ],
  [
    'the member is given anew, for a topic',
    BASE.slice(BASE.indexOf('      - gate_staleness: { max_age: 1h'), BASE.indexOf('sinks:')),
    `      - map: { fields: { eventId: value.eventId, profileId: value.memberId, memberId: value.profileId, kind: value.kind, changedAt: value.changedAt } }
    to: { topic: out, schema: ProfileChange }
`,
    "Give it the event's own: memberId: key. Or write the record under it: - rekey: { by: value.memberId } as the last step.",
  ],
];

for (const [what, from, to, ...mends] of MENDS) {
  test(`mend: ${what}`, () => {
    const [row] = edited([[what, from, to]], BASE);
    assert.deepEqual(
      tell(row!.text).diagnostics.map(({ mend }) => mend),
      mends,
    );
  });
}
