import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cronOf } from './cron-of.ts';

const ROWS: readonly (readonly [period: string, cron: string | undefined])[] = [
  ['5m', '*/5 * * * *'],
  ['1m', '* * * * *'],
  ['60s', '* * * * *'],
  ['90s', undefined],
  ['30s', undefined],
  ['0m', undefined],
  ['7m', undefined],
  ['60m', '0 * * * *'],
  ['120m', '0 */2 * * *'],
  ['1h', '0 * * * *'],
  ['6h', '0 */6 * * *'],
  ['5h', undefined],
  ['24h', '0 0 * * *'],
  ['1d', '0 0 * * *'],
  ['2d', undefined],
  ['7d', '0 0 * * 1'],
  ['1w', '0 0 * * 1'],
  ['2w', undefined],
  ['PT15M', '*/15 * * * *'],
  ['P1D', '0 0 * * *'],
  ['every 10 minutes', '*/10 * * * *'],
  ['5 minutes', '*/5 * * * *'],
  ['soon', undefined],
  ['', undefined],
];

for (const [period, cron] of ROWS) {
  test(`"${period}" is ${cron ?? 'none'}`, () => assert.equal(cronOf(period), cron));
}
