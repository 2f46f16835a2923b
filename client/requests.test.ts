/** What the answers of a gateway mean, held against the gateway's own tables. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ERROR_TABLE, type ErrorCode } from '../core/error-table.ts';
import { mayReconnect as gatewaySays } from '../gateway/close-codes.ts';
import { closeOf } from '../gateway/handshake.ts';
import { HttpProblem } from '../gateway/problem.ts';
import { mayReconnect, refusalOf } from './requests.ts';

test('it comes back for the codes that the gateway says', () => {
  const codes = [
    1000, 1001, 1006, 1008, 1009, 1011, 1013, 2999, 3000, 3499, 3500, 3999, 4499, 4500,
  ];
  for (const code of codes) assert.equal(mayReconnect(code), gatewaySays(code), `${code}`);
});

const answer = (status: number, body: unknown, headers = {}) =>
  refusalOf(
    new Response(typeof body === 'string' ? body : JSON.stringify(body), { status, headers }),
  );

test('a problem is what a handshake that is refused for it is closed with', async () => {
  const codes = (Object.keys(ERROR_TABLE) as ErrorCode[]).filter((code) => code.startsWith('CAR7'));
  let compared = 0;
  for (const code of codes) {
    const problem = new HttpProblem(code, 'x');
    const close = closeOf(problem);
    if (close === undefined) continue;
    compared++;
    const { code: mapped, answered } = await answer(problem.status, { code, what: 'x' });
    assert.deepEqual([mapped, answered], [close.code, true], code);
  }
  assert.ok(compared >= 10, `${compared}`);
});

const rows: readonly [string, number, unknown, object, object][] = [
  [
    'full',
    503,
    { code: 'CAR716', what: 'full.' },
    { 'retry-after': '7' },
    { code: 1013, retryAfterMs: 7_000, answered: true },
  ],
  ['replaced', 409, { code: 'CAR740', what: 'x' }, {}, { code: 3501 }],
  ['not known yet', 404, { code: 'CAR713', what: 'x' }, {}, { code: 3007 }],
  [
    'too much',
    429,
    { code: 'CAR726', what: 'x' },
    { 'retry-after': '2' },
    { code: 3009, retryAfterMs: 2_000 },
  ],
  ['what it cannot mend', 400, { code: 'CAR721', what: 'x' }, {}, { code: 3503 }],
  ['a failure of the gateway', 500, { code: 'CAR717', what: 'x' }, {}, { code: 1013 }],
  ['a proxy', 502, 'Bad Gateway', {}, { code: 1013, answered: undefined }],
  ['a portal', 404, '<html>', {}, { code: 1006, answered: undefined }],
  ['JSON of somebody else', 403, null, {}, { code: 1006 }],
  [
    'a pause in the past',
    503,
    'x',
    { 'retry-after': 'Wed, 21 Oct 2015 07:28:00 GMT' },
    { retryAfterMs: 0 },
  ],
  ['a pause that is none', 503, 'x', { 'retry-after': 'soon' }, { retryAfterMs: undefined }],
  ['a pause of a year', 503, 'x', { 'retry-after': '31536000' }, { retryAfterMs: 3_600_000 }],
];
for (const [name, status, body, headers, expected] of rows) {
  test(`an answer: ${name}`, async () => {
    const ended = await answer(status, body, headers);
    for (const [field, value] of Object.entries(expected)) {
      assert.equal(ended[field as keyof typeof ended], value, field);
    }
  });
}

test('a date in Retry-After counts from now', async () => {
  const at = new Date(Date.now() + 60_000).toUTCString();
  const { retryAfterMs } = await answer(503, 'x', { 'retry-after': at });
  assert.ok(retryAfterMs! > 50_000 && retryAfterMs! <= 60_000, `${retryAfterMs}`);
});
