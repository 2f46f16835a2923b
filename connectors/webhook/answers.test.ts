import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lost, type WireAnswer } from '../wire-answer.ts';
import { type Read, readAnswer } from './answers.ts';

const NOW_MS = Date.UTC(2026, 0, 1);
const answer = (status: number, body = '', headers = {}): WireAnswer => {
  return { kind: 'answer', status, headers, body };
};
const told = (...outcomes: readonly unknown[]) => answer(200, JSON.stringify({ outcomes }));
const lane = (why: string, more = {}) => ({ kind: 'retry', why, scope: 'lane', ...more });
const RESTS = { opens: true, afterMs: 60_000 };
const DELIVERED = { kind: 'delivered' };
const ODD = lane('bad_answer', { ambiguous: true });

const rows: readonly (readonly [it: string, answer: WireAnswer, n: number, read: unknown])[] = [
  ['200', answer(200), 2, [DELIVERED, DELIVERED]],
  ['202 with a text', answer(202, 'OK'), 1, [DELIVERED]],
  ['200 with JSON of its own', answer(200, '{"ok":true}'), 1, [DELIVERED]],
  ['200 with null', answer(200, 'null'), 1, [DELIVERED]],
  [
    'an outcome each',
    told('delivered', { outcome: 'rejected', reason: 'unknown_device' }, { outcome: 'retry' }),
    3,
    [
      DELIVERED,
      { kind: 'rejected', reason: 'unknown_device' },
      { kind: 'retry', why: 'by_the_endpoint', scope: 'device' },
    ],
  ],
  [
    'a retry with its time',
    told({ outcome: 'retry', reason: 'busy', retryAfter: 30 }),
    1,
    [{ kind: 'retry', why: 'busy', scope: 'device', afterMs: 30_000 }],
  ],
  [
    'a reason that is no word',
    told({ outcome: 'rejected', reason: 'Mr. X, of 5 Y St.' }),
    1,
    [{ kind: 'rejected', reason: 'by_the_endpoint' }],
  ],
  ['too few outcomes', told('delivered'), 2, [ODD, ODD]],
  ['outcomes that are none', told('sent', 7, null), 3, [ODD, ODD, ODD]],
  [
    '429 with a time',
    answer(429, '', { 'retry-after': '7' }),
    1,
    [lane('http_429', { afterMs: 7_000, opens: true })],
  ],
  ['429', answer(429), 1, [lane('http_429')]],
  ['408', answer(408), 1, [lane('http_408')]],
  ['503', answer(503), 2, [lane('http_503'), lane('http_503')]],
  ['301', answer(301, '', { location: 'http://169.254.169.254/' }), 1, [lane('http_301', RESTS)]],
  ['401', answer(401), 1, [lane('http_401', RESTS)]],
  ['404', answer(404), 2, [lane('http_404', RESTS), lane('http_404', RESTS)]],
  ['410', answer(410), 1, [lane('http_410', RESTS)]],
  ['400 of one', answer(400), 1, [{ kind: 'rejected', reason: 'http_400', deadLetter: true }]],
  ['400 of two', answer(400), 2, 'split'],
  ['413 of two', answer(413), 2, 'split'],
  ['a time-out', lost('timeout', true), 1, [lane('timeout', { ambiguous: true })]],
  [
    'nobody there',
    lost('unreachable', false, 'ECONNREFUSED'),
    1,
    [lane('unreachable: ECONNREFUSED', { ambiguous: false })],
  ],
  [
    'a private address',
    lost('unreachable', false, 'CAR681'),
    1,
    [lane('CAR681: its name points to a private address', RESTS)],
  ],
];

for (const [it, given, deliveries, read] of rows) {
  test(`${it}: what becomes of each`, () => {
    assert.deepEqual(readAnswer(given, deliveries, NOW_MS), read as Read);
  });
}
