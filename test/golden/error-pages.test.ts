/**
 * The pages of the errors of topology files are their tests: each has a bad example with exactly what
 * is printed of it, and a good one of which nothing is. `UPDATE=1` writes what is printed.
 */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { type ExampleKind, tell } from './example.ts';

const PAGES = new URL('../../docs/errors/', import.meta.url);
/** Codes of the compiler; the others of 4xx are of the schema folder and registry. */
const OURS = /^CAR(?:[123]\d\d|40\d)-.*\.md$/;
/** What no example of a few lines can show: tested in compile.test.ts. */
const NOT_SHOWN = new Set(['CAR110', 'CAR309']);
const PAGE =
  /Bad:\n\n```yaml ?(\w*)\n([\s\S]*?)```\n\n```text\n([\s\S]*?)```\n\nGood:\n\n```yaml ?\w*\n([\s\S]*?)```/;

for (const name of readdirSync(PAGES).filter((file) => OURS.test(file))) {
  const code = name.slice(0, 'CAR101'.length);
  if (NOT_SHOWN.has(code)) continue;
  test(`${name}: the bad example says what the page says, the good one nothing`, () => {
    const url = new URL(name, PAGES);
    const text = readFileSync(url, 'utf8');
    const match = PAGE.exec(text);
    assert.ok(match !== null, 'the page has Bad: with yaml and text, and Good: with yaml');
    const [, written = '', bad = '', said = '', good = ''] = match;
    const kind = (written === '' ? 'part' : written) as ExampleKind;
    const told = tell(bad, kind);
    if (process.env.UPDATE === '1') {
      writeFileSync(
        url,
        text.replace(`\`\`\`text\n${said}\`\`\``, () => `\`\`\`text\n${told.rendered}\`\`\``),
      );
    } else {
      assert.equal(told.rendered, said);
    }
    assert.deepEqual([...new Set(told.diagnostics.map((one) => one.code))], [code]);
    assert.equal(tell(good, kind).rendered, '');
  });
}
