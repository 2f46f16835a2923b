import assert from 'node:assert/strict';
import { test } from 'node:test';
import { shownUrl } from './shown-url.ts';

const rows: readonly [string, string][] = [
  ['http://host:7400', 'http://host:7400'],
  ['http://host:7400/', 'http://host:7400'],
  ['https://host/apis/ccompat/v7', 'https://host/apis/ccompat/v7'],
  ['https://user:pass@host/path', 'https://***@host/path'],
  ['https://user@host', 'https://***@host'],
  ['https://:pass@host', 'https://***@host'],
  ['https://us%40er:p%2Fss@host:1/a', 'https://***@host:1/a'],
  ['http://host/path?token=secret#x', 'http://host/path'],
  ['http://[::1]:8081', 'http://[::1]:8081'],
  ['http://user:pass@host:port/x?y=z', 'http://***@host:port/x'],
  ['no address', 'no address'],
];
for (const [text, shown] of rows) {
  test(`shown: ${shown}`, () => assert.equal(shownUrl(text), shown));
}
