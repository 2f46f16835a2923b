import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mutantsOf, nameOf } from './mutants.ts';

const rows: readonly (readonly [text: string, mutants: readonly string[]])[] = [
  ['const a = b < c;', ['1:11 < -> <=']],
  ['const a = b >= (c);', ['1:11 >= -> >']],
  ['const a = b && c || d;', ['1:11 && -> ||', '1:11 || -> &&']],
  ['const a = b ?? c;', ['1:11  ?? c -> (left out)']],
  ['const a = !b;', ['1:11 ! -> (left out)']],
  ['const a = -b;', ['1:11 - -> (left out)']],
  ['const a = true;', ['1:11 true -> false']],
  ['const a = 1_000;', ['1:11 1_000 -> 1001']],
  ['const a = b ? c : d;', ['1:11 b -> false', '1:11 b -> true']],
  ['if (a) b();', ['1:5 a -> false', '1:5 a -> true', '1:8 b(); -> ;']],
  ['while (a) b();', ['1:8 a -> false', '1:11 b(); -> ;']],
  ['while (true) b();', ['1:8 true -> false', '1:14 b(); -> ;']],
  ['a += b;', ['1:1 a += b; -> ;', '1:1 += -> -=']],
  ['a++;', ['1:1 a++; -> ;', '1:1 ++ -> --']],
  ['--a;', ['1:1 -- -> ++', '1:1 --a; -> ;']],
  ['const f = () => { return a; };', ['1:19 return a; -> return;']],
  ['const f = () => { return; };', []],
  ['const f = () => { return undefined; };', []],
  ['const a = b! as 2 | 3;', []],
  ['const a = (b < c)! as 2;', ['1:12 < -> <=']],
  ["import a from 'b';", []],
  ['type A = 1 | 2; interface B { c: 3 }', []],
  ['const a: 1 = b as 2; function c(d: 3): 4 {}', []],
  ["const a = 'b < c'; // 1 < 2", []],
  ['class A<B = 1> { #c: 2 = d; }', []],
];

for (const [text, mutants] of rows) {
  test(`faults of: ${text}`, () => {
    assert.deepEqual(
      mutantsOf('f.ts', text).map((one) => nameOf(one, text).replace('f.ts:', '')),
      mutants,
    );
  });
}
