import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AppsPlan, SinkPlan } from '../../compiler/plan.ts';
import { connectorSettings } from './connector-settings.ts';

const settingsOf = (fcm: object | undefined, apps?: AppsPlan, byApp = true) =>
  connectorSettings(
    { spec: { type: 'fcm', byApp } as SinkPlan['spec'], ...(apps ? { apps } : {}) },
    fcm === undefined ? {} : { fcm: fcm as { [setting: string]: unknown } },
  );
const KIDS: AppsPlan = { own: 'kids', others: ['teens'] };
const REST: AppsPlan = { own: null, others: ['kids', 'teens'] };
const WRITTEN = { credentials: 'a', dry_run: true, apps: { kids: { credentials: 'b' } } };

const rows: readonly [string, object | undefined, AppsPlan | undefined, object][] = [
  ['none', undefined, KIDS, {}],
  ['one for all', { credentials: 'a' }, KIDS, { credentials: 'a' }],
  ['its own over those of all', WRITTEN, KIDS, { credentials: 'b', dry_run: true }],
  [
    'those of all',
    WRITTEN,
    { own: 'teens', others: ['kids'] },
    { credentials: 'a', dry_run: true },
  ],
  ['those of the rest', WRITTEN, REST, { credentials: 'a', dry_run: true }],
];
for (const [what, written, apps, expected] of rows) {
  test(`settings of a sink for an app: ${what}`, () => {
    assert.deepEqual(settingsOf(written, apps), expected);
  });
}

const wrong: readonly [string, unknown, AppsPlan | undefined, string][] = [
  ['a text', 'kids', KIDS, 'connectors.fcm.apps'],
  ['a list', [], KIDS, 'connectors.fcm.apps'],
  ['an app without settings', { kids: null }, KIDS, 'connectors.fcm.apps.kids'],
  ['an app that no sink has', { games: {} }, KIDS, 'connectors.fcm.apps.games'],
  ['an app, and no sink has any', { kids: {} }, undefined, 'connectors.fcm.apps.kids'],
];
for (const [what, apps, of, at] of wrong) {
  test(`CAR686: ${what}`, () => {
    assert.throws(() => settingsOf({ apps }, of), { code: 'CAR686', where: { at } });
  });
}

test('a connector that knows no apps has its settings as they are', () => {
  assert.deepEqual(settingsOf({ apps: 1 }, undefined, false), { apps: 1 });
});
