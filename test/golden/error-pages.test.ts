/**
 * The pages of the errors of topology files are their tests: each has a bad example with exactly
 * what is printed of it, and a good one of which nothing is. `UPDATE=1` writes what is printed.
 */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { ERROR_TABLE, type ErrorCode } from '../../core/error-table.ts';
import { OPTION_ERRORS } from '../../core/option-errors.ts';
import { TOPOLOGY_ERRORS } from '../../core/topology-errors.ts';
import { type ExampleKind, tell } from './example.ts';

const PAGES = new URL('../../docs/errors/', import.meta.url);
/** Of these two a page shows no output (too large; a secret): tested in compile.test.ts. */
const NOT_SHOWN: readonly ErrorCode[] = ['CAR110', 'CAR309'];
const SHOWN: readonly ErrorCode[] = [
  'CAR101',
  'CAR102',
  'CAR103',
  'CAR104',
  'CAR105',
  'CAR106',
  'CAR107',
  'CAR108',
  'CAR109',
  'CAR111',
  'CAR112',
  'CAR113',
  'CAR114',
  'CAR115',
  'CAR116',
  'CAR201',
  'CAR202',
  'CAR203',
  'CAR204',
  'CAR205',
  'CAR206',
  'CAR207',
  'CAR208',
  'CAR209',
  'CAR210',
  'CAR211',
  'CAR212',
  'CAR213',
  'CAR214',
  'CAR215',
  'CAR216',
  'CAR217',
  'CAR218',
  'CAR219',
  'CAR220',
  'CAR221',
  'CAR222',
  'CAR223',
  'CAR230',
  'CAR231',
  'CAR232',
  'CAR233',
  'CAR234',
  'CAR235',
  'CAR236',
  'CAR237',
  'CAR238',
  'CAR239',
  'CAR275',
  'CAR280',
  'CAR282',
  'CAR240',
  'CAR241',
  'CAR242',
  'CAR243',
  'CAR244',
  'CAR245',
  'CAR246',
  'CAR247',
  'CAR248',
  'CAR249',
  'CAR250',
  'CAR260',
  'CAR261',
  'CAR262',
  'CAR263',
  'CAR264',
  'CAR265',
  'CAR270',
  'CAR290',
  'CAR291',
  'CAR292',
  'CAR293',
  'CAR301',
  'CAR302',
  'CAR303',
  'CAR304',
  'CAR305',
  'CAR306',
  'CAR307',
  'CAR308',
  'CAR310',
  'CAR311',
  'CAR312',
  'CAR313',
  'CAR314',
  'CAR315',
  'CAR350',
  'CAR351',
  'CAR352',
  'CAR353',
  'CAR354',
  'CAR355',
  'CAR356',
  'CAR357',
  'CAR358',
  'CAR316',
  'CAR317',
  'CAR318',
  'CAR319',
  'CAR320',
  'CAR321',
  'CAR325',
  'CAR326',
  'CAR327',
  'CAR328',
  'CAR401',
  'CAR402',
  'CAR403',
  'CAR404',
  'CAR405',
  'CAR406',
];

test('every code of topology files has its example', () => {
  const all = [...Object.keys({ ...TOPOLOGY_ERRORS, ...OPTION_ERRORS }), 'CAR401'].sort();
  assert.deepEqual([...SHOWN, ...NOT_SHOWN].sort(), all);
});

const PAGE =
  /Bad:\n\n```yaml ?(\w*)\n([\s\S]*?)```\n\n```text\n([\s\S]*?)```\n\nGood:\n\n```yaml ?\w*\n([\s\S]*?)```/;

for (const code of SHOWN) {
  const name = `${code}-${ERROR_TABLE[code].slug}.md`;
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
