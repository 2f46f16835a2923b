import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ERROR_TABLE } from '../core/error-table.ts';
import type { Option } from '../core/spec.ts';
import { resolveOptions } from '../test/kit/steps.ts';
import { steps } from './index.ts';

/** Metric labels, YAML keys and file names are made of these. */
const SNAKE_CASE = /^[a-z]+(_[a-z]+)*$/;

test('the catalog lists every processor once, in order', () => {
  const names = [...steps.keys()];
  assert.deepEqual(names, [...new Set(names)].sort());
});

for (const [name, spec] of steps) {
  test(`${name} says what it is`, () => {
    assert.equal(spec.type, name);
    assert.match(name, SNAKE_CASE);
    assert.match(spec.summary, /^[A-Z].*\.$/);
    assert.match(spec.description ?? '', /^[A-Z].*\.$/);
    assert.ok(spec.example.startsWith(`- ${name}: `), spec.example);
    for (const said of [spec.drops ?? {}, spec.counts ?? {}]) {
      for (const [reason, doc] of Object.entries(said)) {
        assert.match(reason, SNAKE_CASE);
        assert.match(doc as string, /^(`|[A-Z]).*\.$/);
      }
    }
    // Those of somebody's own steps are theirs, and so the type is any text.
    for (const code of Object.keys(spec.deadLetters ?? {})) {
      assert.ok(Object.hasOwn(ERROR_TABLE, code), code);
    }
    const options: readonly [string, Option<unknown>][] = Object.entries(spec.config);
    for (const [option, { doc }] of options) {
      assert.match(option, SNAKE_CASE);
      assert.match(doc, /^[A-Z].*\.$/);
    }
  });

  test(`${name}: the fallbacks of its options resolve`, () => {
    const required = Object.entries(spec.config as { [name: string]: Option<unknown> })
      .filter(([, option]) => option.fallback === undefined)
      .map(([option, { kind }]) => [option, PLAIN[kind]]);
    resolveOptions(spec, Object.fromEntries(required));
  });
}

const PLAIN: { readonly [kind: string]: unknown } = {
  duration: '1s',
  count: 1,
  time_of_day: '22:00',
  table: 'devices',
  path: 'value.id',
  paths: ['value.id'],
  predicate: () => true,
  expression: () => 'k',
  expressions: {},
  aggregates: {},
  text: 'row',
  stream: 'others',
  some_of: [],
};
