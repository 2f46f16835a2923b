/**
 * Topologies that are wrong, hardly what is meant, or right, and what is told of each: the codes,
 * the lines, and nothing else. A row is an edit of one that is right (base.ts). The very words are
 * in told/, a file for each table: `UPDATE=1 node --test test/mistakes/topologies.test.ts` writes
 * them anew, to be read before they are committed.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AGGREGATES } from './aggregates.ts';
import { BASE, type Row, tell } from './base.ts';
import { CLOCKS } from './clocks.ts';
import { CONTRADICTIONS } from './contradictions.ts';
import { EFFECTS } from './effects.ts';
import { EXPRESSIONS } from './expressions.ts';
import { GRAPHS } from './graph.ts';
import { KEYS } from './keys.ts';
import { NOISE } from './noise.ts';
import { NULLS } from './nulls.ts';
import { PAIRS } from './pairs.ts';
import { RIGHT } from './right.ts';
import { Told } from './told.ts';
import { TYPES } from './types.ts';
import { USES } from './uses.ts';
import { VARIABLES } from './variables.ts';

const TABLES: { readonly [table: string]: readonly Row[] } = {
  noise: NOISE,
  variables: VARIABLES,
  expressions: EXPRESSIONS,
  uses: USES,
  types: TYPES,
  effects: EFFECTS,
  contradictions: CONTRADICTIONS,
  graphs: GRAPHS,
  aggregates: AGGREGATES,
  clocks: CLOCKS,
  keys: KEYS,
  nulls: NULLS,
  pairs: PAIRS,
  right: RIGHT,
};
const COUNT_MIN = 200;
/** What only warns; everything else is an error. */
const WARNINGS = new Set([
  ...[
    'CAR218',
    'CAR223',
    'CAR246',
    'CAR247',
    'CAR249',
    'CAR275',
    'CAR315',
    'CAR316',
    'CAR317',
    'CAR318',
    'CAR319',
    'CAR321',
    'CAR325',
    'CAR326',
    'CAR327',
    'CAR328',
  ],
]);

test('the base is right, strictly', () => {
  const { shown, plan } = tell(BASE);
  assert.equal(shown, '');
  assert.ok(plan !== undefined);
});

for (const [table, rows] of Object.entries(TABLES)) {
  const words = new Told(table);
  for (const { what, text, env, told } of rows) {
    test(`${table}: ${what}`, () => {
      const result = tell(text, env);
      assert.deepEqual(result.told, told, result.shown);
      for (const { code, level, mend, what: said } of result.diagnostics) {
        assert.equal(level, WARNINGS.has(code) ? 'warning' : 'error', code);
        assert.ok(said.length > 0 && mend.length > 0);
      }
      const isWrong = result.diagnostics.some(({ level }) => level === 'error');
      assert.equal(result.plan === undefined, isWrong);
      words.judge(what, result.shown);
    });
  }

  test(`${table}: no words are kept of rows that are gone, and no two rows have one name`, () => {
    words.judgeNames(rows.map(({ what }) => what));
  });
}

test(`there are at least ${COUNT_MIN} topologies, and no two the same`, () => {
  const all = Object.values(TABLES).flat();
  assert.ok(all.length >= COUNT_MIN, String(all.length));
  const texts = new Set(all.map(({ text, env }) => JSON.stringify([text, env])));
  assert.equal(texts.size, all.length);
});
