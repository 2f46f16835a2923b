import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FLOORS, faultOf, floorOf } from './floor-plan.ts';
import { type Import, importsOf } from './imports.ts';
import { readSource } from './source.ts';
import { assertNone, isTest, read, sources } from './tree.ts';

const parsed = new Map(sources.map((source) => [source.path, importsOf(source)]));

test('imports run downhill', () => {
  const faults: string[] = [];
  for (const [path, imports] of parsed) {
    for (const of of imports) {
      const fault = faultOf(path, of);
      if (fault !== undefined) faults.push(`${path}:${of.line} imports ${of.specifier}: ${fault}`);
    }
  }
  assertNone(faults);
});

test('no circles among what runs', () => {
  const state = new Map<string, 'open' | 'done'>();
  const faults: string[] = [];
  const visit = (path: string, way: readonly string[]) => {
    if (state.get(path) === 'done') return;
    if (state.get(path) === 'open') {
      faults.push([...way.slice(way.indexOf(path)), path].join(' → '));
      return;
    }
    state.set(path, 'open');
    for (const of of parsed.get(path) ?? []) {
      if (of.file !== null && !of.isType) visit(of.file, [...way, path]);
    }
    state.set(path, 'done');
  };
  for (const path of parsed.keys()) visit(path, []);
  assertNone(faults);
});

test('every package is declared, and not as a development one when it runs', () => {
  const { dependencies, devDependencies } = JSON.parse(read('package.json'));
  const faults: string[] = [];
  for (const [path, imports] of parsed) {
    const isDevelopment =
      isTest(path) || ['test', 'bench', 'console'].includes(floorOf(path) ?? '');
    for (const of of imports) {
      if (of.npm === null || Object.hasOwn(dependencies, of.npm)) continue;
      const types = `@types/${of.npm}`;
      const isKnown =
        Object.hasOwn(devDependencies, of.npm) || Object.hasOwn(devDependencies, types);
      if (isKnown && (isDevelopment || of.isType)) continue;
      faults.push(`${path}:${of.line}: ${of.npm} is not in package.json's dependencies`);
    }
  }
  assertNone(faults);
});

test('an import names a file that is there', () => {
  const faults: string[] = [];
  for (const [path, imports] of parsed) {
    for (const of of imports) {
      if (of.file?.endsWith('.ts') && !parsed.has(of.file)) {
        faults.push(`${path}:${of.line}: there is no ${of.file}`);
      }
    }
  }
  assertNone(faults);
});

const text = (importing: string, path = 'runtime/x.ts') =>
  importsOf(readSource(path, importing)).map((of) => [of.specifier, of.isType] as const);

test('imports of all forms are found, those in comments and texts are not', () => {
  const importing = [
    "import { a, type B } from './a.ts';",
    "import type { C } from 'rxjs';",
    "import {\n  type D,\n  type E,\n} from '../core/d.ts';",
    "export * from './f.ts';",
    "export type { G } from './g.ts';",
    "import './h.ts';",
    "const i = await import('./i.ts');",
    "type J = import('./j.ts').J;",
    "// import { k } from './k.ts';",
    'const l = "import { l } from \'./l.ts\'";',
    "const from = 'x'; const m = [from, 'y'];",
  ].join('\n');
  assert.deepEqual(text(importing).sort(), [
    ['../core/d.ts', true],
    ['./a.ts', false],
    ['./f.ts', false],
    ['./g.ts', true],
    ['./h.ts', false],
    ['./i.ts', false],
    // An alias of a type reads like a value's; held to the stricter rule.
    ['./j.ts', false],
    ['rxjs', true],
  ]);
});

const rows: readonly [string, string, boolean][] = [
  ['core/x.ts', "import type { Observable } from 'rxjs';", true],
  ['core/x.ts', "import { of } from 'rxjs';", false],
  ['core/x.ts', "import { a } from '../schemas/a.ts';", false],
  ['core/x.ts', "const a = await import('../schemas/a.ts');", false],
  ['compiler/x.ts', "import type { A } from '../schemas/a.ts';", true],
  ['compiler/x.ts', "import { A } from '../schemas/a.ts';", false],
  ['compiler/x.ts', "import { steps } from '../processors/index.ts';", false],
  ['runtime/x.ts', "import { steps } from '../processors/index.ts';", false],
  ['runtime/x.ts', "import { log } from '../connectors/index.ts';", false],
  ['runtime/x.ts', "import type { Plan } from '../compiler/plan.ts';", true],
  ['processors/x.ts', "import { a } from '../core/a.ts';", true],
  ['processors/x.ts', "import { readFileSync } from 'node:fs';", true],
  ['connectors/fcm/x.ts', "import { a } from '../apns/a.ts';", false],
  ['connectors/fcm/x.ts', "import { a } from '../http2-session.ts';", true],
  ['connectors/fcm/x.ts', "import { a } from './fake.ts';", false],
  ['connectors/fcm/fake-rules.ts', "import { a } from './fake.ts';", true],
  ['connectors/fcm/x.test.ts', "import { a } from './fake.ts';", true],
  ['connectors/fcm/x.ts', "import { Kafka } from 'kafkajs';", false],
  ['connectors/index.ts', "import { a } from './fcm/a.ts';", true],
  ['gateway/x.ts', "import { a } from '../connectors/index.ts';", true],
  ['gateway/x.ts', "import { a } from '../connectors/kafka/a.ts';", false],
  ['gateway/x.ts', "import { jwtVerify } from 'jose';", true],
  ['cli/x.ts', "import { a } from '../connectors/kafka/a.ts';", true],
  ['cli/x.ts', "import { Kafka } from 'kafkajs';", false],
  ['cli/x.ts', "import { a } from '../test/kit/a.ts';", false],
  ['test/kit/x.ts', "import { Kafka } from 'kafkajs';", true],
  ['runtime/x.ts', "import { a } from './a.test.ts';", false],
  ['nowhere/x.ts', "import { a } from './a.ts';", false],
];
for (const [path, importing, isAllowed] of rows) {
  test(`${path}: ${importing} ${isAllowed ? 'may' : 'may not'}`, () => {
    const [of] = importsOf(readSource(path, importing)) as [Import];
    assert.equal(faultOf(path, of) === undefined, isAllowed, faultOf(path, of));
  });
}

test('each client of an outside system lives in one folder (jose in two)', () => {
  const clients = ['kafkajs', 'cassandra-driver', 'firebase-admin', 'avsc', 'ws', 'fastify'];
  const homes = (npm: string) =>
    Object.keys(FLOORS).filter((folder) => FLOORS[folder]!.npm.includes(npm));
  for (const client of clients) assert.equal(homes(client).length, 1, client);
  assert.deepEqual(homes('jose'), ['connectors/apns', 'gateway']);
});
