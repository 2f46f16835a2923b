import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Show, shownText } from './show.ts';

const SHOW: Show = {
  fallback: 'en',
  title: new Map([
    ['en', ['Plan']],
    ['de', ['Tarif']],
    ['pt-BR', ['Plano']],
  ]),
  body: new Map([
    ['en', ['Now ', ['plan', 'name'], ' for ', ['price'], '.']],
    ['de', ['Jetzt ', ['plan', 'name'], '.']],
  ]),
  fcm: { as: 'alert', channel: null, sound: null, group: null },
  apns: { as: 'alert', sound: null, badge: null },
};
const EVENT = { plan: { name: 'Größe 😀' }, price: 9.5 };

for (const [locale, title, body] of [
  ['en', 'Plan', 'Now Größe 😀 for 9.5.'],
  ['de', 'Tarif', 'Jetzt Größe 😀.'],
  ['de-AT', 'Tarif', 'Jetzt Größe 😀.'],
  ['de_CH', 'Tarif', 'Jetzt Größe 😀.'],
  ['DE', 'Tarif', 'Jetzt Größe 😀.'],
  ['de-Latn-AT', 'Tarif', 'Jetzt Größe 😀.'],
  ['pt-br', 'Plano', 'Now Größe 😀 for 9.5.'],
  ['pt', 'Plan', 'Now Größe 😀 for 9.5.'],
  ['deu', 'Plan', 'Now Größe 😀 for 9.5.'],
  ['', 'Plan', 'Now Größe 😀 for 9.5.'],
  ['-', 'Plan', 'Now Größe 😀 for 9.5.'],
] as const) {
  test(`for a device of "${locale}"`, () => {
    assert.deepEqual(shownText(SHOW, EVENT, locale), { title, body });
  });
}

for (const [what, event, body] of [
  ['null', { plan: { name: null }, price: 0 }, 'Now  for 0.'],
  ['absent', { price: false }, 'Now  for false.'],
  ['nothing at all', null, 'Now  for .'],
  ['a large whole number', { plan: { name: 'x' }, price: 2n ** 60n }, `Now x for ${2n ** 60n}.`],
] as const) {
  test(`a field that is ${what}`, () => {
    assert.equal(shownText(SHOW, event, 'en').body, body);
  });
}

test('what is too long is cut at a character', () => {
  const one = { ...SHOW, title: null, body: new Map([['en', [['name']]]]) } satisfies Show;
  const of = (name: string) => shownText(one, { name }, 'en');
  assert.equal(of('😀'.repeat(1_000)).body, '😀'.repeat(1_000));
  assert.equal(of('😀'.repeat(1_001)).body, `${'😀'.repeat(999)}…`);
  assert.equal(of('x').title, null);
});
