/** What `carillon device` prints of what it is told. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { NotificationForm, PullPage } from '../schemas/frames.ts';
import { DevicePrinter } from './device-printer.ts';

const one = (useCase: string, sequence: number, count = 1) =>
  ({ useCase, sequence, priority: 'high', count, born: 1_000, value: { a: 1 } }) as never;
const PAGE = {
  notifications: [one('va', 1), one('gone', 2, 3)] as NotificationForm[],
  skipped: [{ priority: 'low', sequence: 7, reason: 'expired' }],
} as unknown as PullPage;

function printed(format: 'pretty' | 'json'): string {
  const lines: string[] = [];
  const names = new Map([['va', 'viewing-activity']]);
  const parts = { names, nowMs: () => 3_500, write: (some: string) => lines.push(some) };
  new DevicePrinter(format, parts).page(PAGE);
  return lines.join('');
}

test('a person reads the name of the use case, where it is known', () => {
  assert.deepEqual(printed('pretty').split('\n'), [
    'high #1        viewing-activity  2.5 s old  {"a":1}',
    'high #2        gone ×3  2.5 s old  {"a":1}',
    'low #7         skipped: expired',
    '',
  ]);
});

test('a program reads what came', () => {
  assert.deepEqual(JSON.parse(printed('json')), PAGE);
});
