/** What has no effect, or always loses: warnings, each with its reason. */
import { edited, type Row } from './base.ts';

const UNLESS = '[{ when: \'value.kind == "MATURITY_LEVEL_CHANGED"\', as: critical }]';
const LEVEL = '{ when: \'value.kind == "MATURITY_LEVEL_CHANGED"\', as: critical }';
const TARGET = '- target: { classes: [tv, mobile], except: value.deviceId }\n      - use: tell';
const FCM_TO = 'type: fcm, project: my-app }';
const HOOK = 'https://hooks.example.com/told';
const WHERE = '\'value.kind != "STARTED"\'';

export const EFFECTS: readonly Row[] = edited([
  [
    'target after fan_out',
    TARGET,
    '- use: tell\n      - target: { classes: [tv] }',
    'CAR246 - target',
  ],
  [
    'two targets',
    TARGET,
    '- target: { classes: [tv] }\n      - { name: again, target: { classes: [mobile] } }\n      - use: tell',
    'CAR246 - target: { classes: [tv] }',
  ],
  [
    'target in a sink',
    '    to: { type: fcm',
    '    steps: [{ target: { classes: [tv] } }]\n    to: { type: fcm',
    'CAR246',
  ],
  ['all and more', '[tv, mobile]', '[all, tv]', 'CAR246'],
  ['quiet over at_most', 'quiet: 2s, at_most: 10s', 'quiet: 11s, at_most: 10s', 'CAR246'],
  ['quiet of no time', 'quiet: 2s', 'quiet: 0s', 'CAR246'],
  ['at_most of no time', 'at_most: 10s', 'at_most: 0s', 'CAR246'],
  ['within of no time', 'within: 10m', 'within: 0s', 'CAR246'],
  ['keep over of', 'keep: 99, of: 100', 'keep: 101, of: 100', 'CAR246'],
  ['keep all', 'keep: 99, of: 100', 'keep: 100, of: 100', 'CAR246'],
  ['a filter that always holds', WHERE, "'true'", 'CAR246'],
  ['a filter that always holds, said longer', WHERE, "'1 + 1 == 2'", 'CAR246'],
  ['a filter that never holds', WHERE, "'false'", 'CAR247'],
  ['a filter that never holds, said longer', WHERE, '\'"a" == "b"\'', 'CAR247'],
  ['a webhook without a secret', FCM_TO, `type: webhook, url: "${HOOK}" }`, 'CAR247'],
  [
    'a webhook at no address',
    FCM_TO,
    'type: webhook, url: hooks.example.com, secret_file: s }',
    'CAR247',
  ],
  ['max_age below quiet', 'max_age: 2m', 'max_age: 1s', 'CAR247 - coalesce'],
  ['max_age as long as quiet', 'max_age: 2m', 'max_age: 2s', 'CAR247 - coalesce'],

  ['ttl below quiet', 'max_age: 2m', 'max_age: 1s, ttl: 1500ms', 'CAR247 - coalesce'],
  ['ttl below max_age', 'max_age: 1h, ttl: 2h', 'max_age: 1h, ttl: 1m', 'CAR247'],
  ['ttl just below max_age', 'max_age: 1h, ttl: 2h', 'max_age: 1h, ttl: 3599s', 'CAR247'],
  ['ttl of no time', 'max_age: 1h, ttl: 2h', 'max_age: 1h, ttl: 0s', 'CAR247'],
  ['max_age of no time', 'max_age: 1h, ttl: 2h', 'max_age: 0s', 'CAR247'],
  [
    'a gate behind what waits longer',
    '      - target: {',
    '      - { name: late, gate_staleness: { max_age: 1s } }\n      - target: {',
    'CAR247',
  ],
  [
    'two that wait longer together',
    '      - target: {',
    '      - { name: more, coalesce: { by: [value.titleId], quiet: 2m, at_most: 3m } }\n      - target: {',
    'CAR247',
  ],
  [
    'coalesce behind fan_out',
    '- use: tell\n    to: { lane: notifications, coll',
    '- use: tell\n      - { name: more, coalesce: { by: [value.titleId], quiet: 2s, at_most: 3s } }\n    to: { lane: notifications, coll',
    'CAR247',
  ],
  ['an inbox that keeps nothing', 'ttl: 7d', 'ttl: 0s', 'CAR247'],
  [
    'an exception that always holds',
    UNLESS,
    "[{ when: 'true', as: critical }, { when: 'value.kind == \"RENAMED\"', as: low }]",
    'CAR246',
  ],
  ['an exception that never holds', UNLESS, "[{ when: 'false', as: critical }]", 'CAR246'],
  [
    'an exception that says the same',
    UNLESS,
    '[{ when: \'value.kind == "RENAMED"\', as: high }]',
    'CAR246',
  ],
  ['an exception twice', UNLESS, `[${LEVEL}, ${LEVEL.replace('critical', 'low')}]`, 'CAR246'],
  [
    'the last of two says the same',
    UNLESS,
    `[${LEVEL}, { when: 'value.kind == "RENAMED"', as: high }]`,
    'CAR246',
  ],
  ['dedup not by the key', 'by: [value.eventId], within', 'by: [value.titleId], within', 'CAR315'],
  [
    'dedup by what map made of the key',
    '- dedup: { by: [value.eventId]',
    '- dedup: { by: [value.profileId]',
    'CAR315',
  ],
]);
