/** Dashboards and rules ask only for what there is: metrics of the table, and labels of theirs. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { METRICS, type MetricEntry } from '../../runtime/metric-table.ts';
import { ALERTS, PANELS } from './panels.ts';

/** What Prometheus itself adds to each. */
const ADDED = ['instance', 'le'];
const table: { readonly [name: string]: MetricEntry } = METRICS;

function entriesOf(expr: string): MetricEntry[] {
  const names = expr.match(/carillon_\w+/g) ?? [];
  return names.map((name) => {
    const entry = table[name] ?? table[name.replace(/_bucket$/, '')];
    assert.ok(entry, `there is no metric ${name}`);
    if (name.endsWith('_bucket')) assert.equal(entry.type, 'histogram', name);
    return entry;
  });
}

/** Labels that are asked for in braces, that it is summed by, or shown. */
function labelsIn(text: string): string[] {
  return [
    ...[...text.matchAll(/(\w+)=~?"/g)].map(([, label]) => label!),
    ...[...text.matchAll(/\bby \(([^)]*)\)/g)].flatMap(([, list]) => list!.split(', ')),
    ...[...text.matchAll(/\{\{ ?(?:\$labels\.)?(\w+) ?\}\}/g)].map(([, label]) => label!),
  ];
}

function assertKnown(expr: string, shown: string): void {
  const entries = entriesOf(expr);
  assert.notEqual(entries.length, 0);
  for (const label of labelsIn(`${expr} ${shown}`)) {
    const isThere = entries.every(({ labels }) => [...ADDED, ...labels].includes(label));
    assert.ok(isThere, `${label} is no label of ${expr}`);
  }
  // What is summed away cannot be shown.
  const [, by] = /\bby \(([^)]*)\)/.exec(expr) ?? [];
  if (by !== undefined) {
    for (const label of labelsIn(shown)) assert.ok(by.split(', ').includes(label), label);
  }
}

for (const { title, lines, doc } of PANELS) {
  test(`the panel "${title}"`, () => {
    assert.notEqual(doc, '');
    for (const { expr, legend } of lines) assertKnown(expr, legend);
  });
}

for (const { name, expr, summary, mend } of ALERTS) {
  test(`the alert ${name}`, () => assertKnown(expr, `${summary} ${mend}`));
}

test('counters are asked for by their rise, and gauges as they are', () => {
  for (const expr of [...PANELS.flatMap(({ lines }) => lines), ...ALERTS].map((one) => one.expr)) {
    for (const [, outer, name] of expr.matchAll(/(\w*)\(?(carillon_\w+)/g)) {
      const { type } = table[name!] ?? table[name!.replace(/_bucket$/, '')]!;
      assert.equal(['rate', 'increase'].includes(outer!), type !== 'gauge', `${name} in ${expr}`);
    }
  }
});

test('names are given once', () => {
  const names = [...PANELS.map(({ title }) => title), ...ALERTS.map(({ name }) => name)];
  assert.equal(new Set(names).size, names.length);
});
