import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bannedIn } from './bans.ts';
import { readSource } from './source.ts';
import { assertNone, sources } from './tree.ts';

test('nothing banned is written', () => {
  assertNone(sources.flatMap((source) => bannedIn(source)));
});

const LATER = ['TO', 'DO'].join('');

const rows: readonly [string, string, number][] = [
  ['processors/x.ts', 'const a = Date.now();', 1],
  ['processors/x.ts', '// Date.now() is not for us', 0],
  ['processors/x.ts', "const a = 'Date.now()';", 0],
  ['processors/x.ts', 'const a = new Date();', 1],
  ['processors/x.ts', 'const a = new Date(record.timestamp);', 0],
  ['runtime/x.ts', 'const a = Math.random();', 1],
  ['core/clock.ts', 'const a = Date.now();', 0],
  ['cli/x.ts', 'const a = Date.now(); console.log(a);', 0],
  ['connectors/fcm/fake.ts', 'const a = Date.now();', 0],
  ['core/x.ts', 'setTimeout(f, 1);', 1],
  ['runtime/x.ts', 'setTimeout(f, 1);', 0],
  ['runtime/x.ts', "console.log('a');", 1],
  ['gateway/x.test.ts', 'const a = Date.now();', 0],
  ['core/x.ts', 'export enum A { B }', 1],
  ['core/x.ts', 'class A { constructor(private readonly b: B) {} }', 1],
  ['core/x.ts', 'class A { readonly b: B; constructor(b: B) {} }', 0],
  ['core/x.ts', 'class A { constructor(of: { readonly b: B }) {} }', 0],
  ['core/x.ts', 'const a = performance.now();', 1],
  ['connectors/kafka/x.ts', 'const a = performance.now();', 0],
  ['connectors/embedded/x.ts', "const a = 'SELECT a FROM b WHERE c = ?1';", 1],
  ['connectors/embedded/x.ts', "const a = 'VALUES (?1, ?2)';", 2],
  ['connectors/embedded/x.ts', "const a = 'VALUES (?, ?)';", 0],
  ['connectors/embedded/x.ts', 'const a = b ?1 : 2;', 0],
  ['core/x.test.ts', "test.only('a', f);", 1],
  ['core/x.ts', '// @ts-expect-error it works', 1],
  ['core/x.ts', `/* ${LATER}: later */`, 1],
  ['core/x.ts', `const a = '${LATER}';`, 0],
];
for (const [path, text, count] of rows) {
  test(`${path}: ${text.replace(LATER, 'L')}: ${count} fault(s)`, () => {
    assert.equal(bannedIn(readSource(path, text)).length, count);
  });
}
