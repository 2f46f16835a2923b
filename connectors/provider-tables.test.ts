import assert from 'node:assert/strict';
import { test } from 'node:test';
import { APNS_RULES } from './apns/rules.ts';
import { FCM_RULES } from './fcm/rules.ts';
import { type ProviderRule, ruleOf } from './provider-rules.ts';
import { providersPage, providersText } from './provider-tables.ts';

const ALL = [...FCM_RULES, ...APNS_RULES];

test('every row is printed, in the order in which they decide', () => {
  const lines = providersText().split('\n');
  const docs = lines.filter((line) => /^ {2}(\d|else)/.test(line));
  assert.equal(docs.length, ALL.length);
  for (const [i, rule] of ALL.entries()) assert.ok(docs[i]!.endsWith(rule.doc), docs[i]);
  assert.equal(providersPage().match(/^\| (\d|else)/gm)!.length, ALL.length);
});

for (const [provider, row] of [
  ['fcm', '404|anything|retry|60s|the lane|stays'],
  ['fcm', '400|the token’s field|refused|||dies'],
  ['fcm', '429|device quota|retry|60s|the device|stays'],
  ['fcm', '503|anything|retry|10s (retry_floor)|this one; many: the lane|stays'],
  ['fcm', '500–599|anything|retry (a)|10s (retry_floor)|this one; many: the lane|stays'],
  ['apns', '410|Unregistered, ExpiredToken|refused|||dies if older than said'],
  ['apns', '503|anything|retry|1s (retry_floor)|this one; many: the lane|stays'],
] as const) {
  test(`a row says what is done: ${provider} ${row}`, () => {
    const page = providersPage().split('## ')[provider === 'fcm' ? 1 : 2]!;
    const cells = row.split('|').map((cell) => cell.trim());
    assert.ok(page.includes(`| ${cells.join(' | ')} |`), page);
  });
}

for (const [name, rules] of [
  ['fcm', FCM_RULES],
  ['apns', APNS_RULES],
] as const) {
  test(`${name}: there is a row for every status, and none says two things`, () => {
    for (let status = 0; status < 1_000; status++) {
      const reply = {
        status,
        reason: 'Unheard',
        details: new Set<never>(),
        retryAfterMs: undefined,
      };
      const rule = ruleOf(rules, reply);
      assert.equal(rule.token, 'stays', `${status} of an unknown reason costs no token`);
    }
    const retries = (rule: ProviderRule) => rule.fate === 'retry';
    for (const rule of rules) {
      if (retries(rule)) assert.equal(rule.token, 'stays', rule.doc);
      else assert.equal(rule.scope ?? rule.waitMs ?? rule.ambiguous, undefined, rule.doc);
    }
  });
}
