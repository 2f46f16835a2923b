/** Sinks of one transport that share a lane's devices by their apps. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BASE, tell } from '../test/mistakes/base.ts';

const FCM = BASE.slice(BASE.indexOf('  fcm:\n'), BASE.indexOf('  apns:\n'));
const ofApp = (app: string) =>
  FCM.replace('fcm:', `${app}:`).replace('transport: fcm', `transport: fcm, app: ${app}`);

const rows: readonly (readonly [what: string, sinks: string, apps: object])[] = [
  ['no app', FCM, {}],
  [
    'one of its own, and the rest',
    FCM + ofApp('kids'),
    { fcm: { own: null, others: ['kids'] }, kids: { own: 'kids', others: [] } },
  ],
  [
    'two, and the rest',
    ofApp('kids') + ofApp('teens') + FCM,
    {
      kids: { own: 'kids', others: ['teens'] },
      teens: { own: 'teens', others: ['kids'] },
      fcm: { own: null, others: ['kids', 'teens'] },
    },
  ],
];
for (const [what, sinks, expected] of rows) {
  test(`apps of sinks: ${what}`, () => {
    const { plan, shown } = tell(BASE.replace(FCM, sinks));
    assert.ok(plan !== undefined, shown);
    const apps = plan.sinks.flatMap((sink) => (sink.apps ? [[sink.name, sink.apps]] : []));
    assert.deepEqual(Object.fromEntries(apps), expected);
  });
}
