import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { ran, readCoverage } from './coverage.ts';

const range = (startOffset: number, endOffset: number, count: number) => {
  return { startOffset, endOffset, count };
};

test('a place was run when the narrowest range around it was, in any process', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'coverage-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const root = '/somewhere/else';
  const url = (path: string) => pathToFileURL(path).href;
  const write = (name: string, path: string, ...ranges: readonly object[]) => {
    const result = [{ url: url(path), functions: ranges.map((one) => ({ ranges: [one] })) }];
    writeFileSync(join(folder, name), JSON.stringify({ result }));
  };
  write('1.json', `${root}/a.ts`, range(0, 100, 1), range(10, 50, 0), range(20, 30, 3));
  write('2.json', `${root}/a.ts`, range(0, 100, 1), range(40, 45, 1), range(10, 50, 0));
  write('3.json', `${root}/node_modules/b.ts`, range(0, 9, 1));
  write('4.json', '/another/c.ts', range(0, 9, 1));
  const coverage = readCoverage(folder, root);
  assert.deepEqual([...coverage.keys()], ['a.ts']);
  const places = [5, 10, 19, 20, 29, 30, 40, 44, 45, 50, 99, 100];
  const isRun = places.map((at) => ran(coverage, 'a.ts', at));
  const [yes, no] = [true, false];
  assert.deepEqual(isRun, [yes, no, no, yes, yes, no, yes, yes, no, yes, yes, no]);
  assert.ok(!ran(coverage, 'c.ts', 1));
});
