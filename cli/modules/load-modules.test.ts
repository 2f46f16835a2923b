/** Modules of one's own: what is loaded of them, and each way in which they can be wrong. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { CarillonErrors } from '../../core/error.ts';
import type { EachSpec } from '../../core/spec.ts';
import { catalogWith } from './load-modules.ts';

const root = mkdtempSync(join(tmpdir(), 'carillon-modules-'));
after(() => rmSync(root, { recursive: true }));
let folders = 0;

/** Writes files into a folder of their own; gives the folder. */
function written(files: { readonly [path: string]: string }): string {
  const folder = join(root, String(++folders));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  return folder;
}

const load = (folder: string, ...names: readonly string[]) =>
  catalogWith(
    names.map((name) => join(folder, name)),
    folder,
  );

const spec = (fields: string) => `{
  type: 'mine', summary: 'Mine.', config: {}, example: '- mine: {}', open: () => () => PASSED,
  ${fields}
}`;
const step = (fields = '', kind = 'each') => `import { PASSED, processor } from 'carillon';
export default processor.${kind}(${spec(fields)});
`;
const bare = (fields: string) => `export default { kind: 'each',
  type: 'mine', summary: 'Mine.', config: {}, example: '- mine: {}', open: () => () => null,
  ${fields}
};
`;
const SINK = `import { sink } from 'carillon';
const type: string = 'siren';
export default sink({
  type, summary: 'Sounds.', config: {}, promises: ['None.'], batchMax: 1, needsOwner: false,
  example: 'to: { type: siren }', open: async () => ({}) as never,
});
`;

test('steps and sinks of one or several modules stand beside those of the package', async () => {
  const folder = written({
    'a.ts': step(),
    'b.js': `import { processor } from 'carillon';
      const of = (type) => processor.operator({ ...${spec('').replace('PASSED', '0')}, type, open: () => (slices) => slices });
      export default [of('second'), of('third')];`,
    'siren.ts': SINK,
  });
  const { steps, sinks } = await load(folder, 'a.ts', 'b.js', 'siren.ts');
  assert.deepEqual([...steps.keys()].slice(-3), ['mine', 'second', 'third']);
  assert.deepEqual([...sinks.keys()].at(-1), 'siren');
  assert.ok(steps.has('dedup') && sinks.has('fcm'));
  assert.equal(steps.get('dedup')!.version, undefined);
  assert.deepEqual(Object.keys(steps.get('second')!.drops ?? {}), ['not_emitted']);
  assert.match(sinks.get('siren')!.version!, /^code [0-9a-f]{16}$/);
});

test('the version is the code with all that it imports, or what is declared', async () => {
  const versionOf = async (files: { readonly [path: string]: string }) =>
    (await load(written(files), 'a.ts')).steps.get('mine')!.version;
  const files = {
    'a.ts': `import { REASON } from './deep/reason.ts';\n${step('drops: { [REASON]: "So." }')}`,
    'deep/reason.ts': `export { REASON } from '../name.ts';`,
    'name.ts': `export const REASON: string = 'late';`,
  };
  const first = await versionOf(files);
  assert.equal(await versionOf(files), first);
  assert.notEqual(await versionOf({ ...files, 'name.ts': `${files['name.ts']}\n` }), first);
  assert.equal(await versionOf({ ...files, 'other.ts': 'throw 1' }), first);
  assert.equal(await versionOf({ 'a.ts': step("version: '7',") }), '7');
});

test('a module is loaded anew when it, or what it imports, has changed', async () => {
  const of = (reason: string) => `export const drops: object = { ${reason}: 'So.' };`;
  const folder = written({
    'a.ts': `import { drops } from './drops.ts';\n${step('drops,')}`,
    'drops.ts': of('late'),
  });
  const reasons = async () => {
    const { drops } = (await load(folder, 'a.ts')).steps.get('mine') as EachSpec<never, never>;
    return Object.keys(drops ?? {});
  };
  assert.deepEqual(await reasons(), ['late']);
  writeFileSync(join(folder, 'drops.ts'), of('early'));
  assert.deepEqual(await reasons(), ['early']);
});

type Told = readonly (readonly [code: string, what: string | RegExp, at?: string])[];

async function told(folder: string, ...names: readonly string[]) {
  const error: unknown = await load(folder, ...names).then(
    () => assert.fail('it is refused'),
    (error: unknown) => error,
  );
  assert.ok(error instanceof CarillonErrors, String(error));
  return error.diagnostics;
}

const cases: readonly (readonly [it: string, text: string, told: Told, mend?: RegExp])[] = [
  ['exports nothing', 'export const a = 1;', [['CAR946', 'it has no default export.', 'm.ts']]],
  ['exports an empty list', 'export default [];', [['CAR946', 'its list is empty.', 'm.ts']]],
  [
    'exports a text',
    "export default 'mine';",
    [['CAR948', /^of its specs number 1: it is no object/, 'm.ts']],
  ],
  [
    'throws while it is imported',
    "const at: number = 1;\n\nthrow new Error('no key');",
    [['CAR945', 'it cannot be imported: no key.', 'm.ts:3:7']],
  ],
  ['is no TypeScript', 'const a: = 1;\n', [['CAR945', /^it cannot be imported: /, 'm.ts']]],
  [
    'is TypeScript that has to be compiled',
    'enum Kind { A }\nexport default Kind;',
    [['CAR945', /enum is not supported/, 'm.ts']],
    /no enum, namespace or parameter property/,
  ],
  [
    'imports a file that is not there',
    "import './none.ts';",
    [['CAR945', /Cannot find module .*none\.ts/, 'm.ts']],
    /with its ending/,
  ],
  [
    'imports a package that is not there',
    "import 'no-such-package-of-ours';",
    [['CAR945', /Cannot find package 'no-such-package-of-ours'/, 'm.ts']],
    /npm install/,
  ],
  [
    'imports what the package has not',
    "import { step } from 'carillon';",
    [['CAR945', /does not provide an export named 'step'/, 'm.ts:1']],
    /Check the name/,
  ],
  [
    'takes the name of a step of the package',
    step("type: 'dedup',"),
    [['CAR947', 'step "dedup" is one of Carillon\'s own already.', 'm.ts']],
  ],
  [
    'takes a name twice',
    `import { PASSED, processor } from 'carillon';
     export default [processor.each(${spec('')}), processor.each(${spec('')})];`,
    [['CAR947', 'step "mine" is in m.ts already.', 'm.ts']],
  ],
  ...(
    [
      ["type: 'Mine',", /type is its name in a topology/],
      ["type: 'use',", /type is its name in a topology/],
      ["summary: '',", /summary is a sentence/],
      ['example: 7,', /example is a line of YAML/],
      ['open: 7,', /open is a function/],
      ['version: 7,', /version is a text/],
      ['warns: [],', /warns is a function/],
      ['config: [],', /config is an object of options/],
      ["config: { by: 'value.id' },", /by is no option/],
      ["config: { by: { kind: 'path', doc: 'By.', takes: 'value.a' } },", /by does not say what/],
      ["config: { By: { kind: 'text', doc: 'By.' } },", /"By" is not lower-case/],
      ["drop: { late: 'So.' },", /it has a field "drop": did you mean "drops"\?/],
      ["drops: ['late'],", /drops is an object from names to sentences/],
      ["drops: { Late: 'So.' },", /drops: "Late" is not lower-case/],
      ["drops: { late: '' },", /drops: late needs a sentence/],
      ["deadLetters: { bad: 'So.' },", /"bad" is no code of yours/],
      ["deadLetters: { CAR520: 'So.' },", /"CAR520" is no code of yours/],
      ['counts: { a_b: 1 },', /counts: a_b needs a sentence/],
      ["keyedBy: 'by',", /keyedBy names an option of config that is made with paths/],
      ["kind: 'some',", /kind is one of each, expand, timed, operator/],
      ["rows: { columns: { a: 'text' } },", /a column is int, double, name or record/],
      ['rows: 7,', /rows is a codec, or made with columns/],
      ["kind: 'timed',", /rows is made with columns/],
      [
        "kind: 'timed', rows: { columns: { a: 'int' } },",
        /rows of a timed step have a column record/,
      ],
      ["rows: { columns: { a: 'record', b: 'record' } },", /at most one column is a record/],
      ["kind: 'operator', rows: { columns: {} },", /an operator keeps no state/],
    ] as const
  ).map(
    ([fields, what]) =>
      [`says of a step: ${fields}`, bare(fields), [['CAR948', what, 'm.ts']]] as const,
  ),
  ...(
    [
      ["promises: ['None.']", 'promises: []', /promises is a list of sentences/],
      ['batchMax: 1', 'batchMax: 0', /batchMax is how many deliveries/],
      ['needsOwner: false', 'needsOwner: 1', /needsOwner is true or false/],
      ['needsOwner: false', 'needsOwner: false, together: true', /together is a function/],
      ['needsOwner: false', 'needsOwner: false, keyedBy: "a"', /it has a field "keyedBy"/],
    ] as const
  ).map(
    ([from, to, what]) =>
      [`says of a sink: ${to}`, SINK.replace(from, to), [['CAR948', what, 'm.ts']]] as const,
  ),
];

for (const [it, text, expected, mend] of cases) {
  test(`a module that ${it} is refused`, async () => {
    const diagnostics = await told(written({ 'm.ts': text }), 'm.ts');
    assert.equal(diagnostics.length, expected.length, diagnostics.map(({ what }) => what).join());
    for (const [n, [code, what, at]] of expected.entries()) {
      const found = diagnostics[n]!;
      assert.equal(found.code, code);
      if (typeof what === 'string') assert.equal(found.what, what);
      else assert.match(found.what, what);
      assert.doesNotMatch(found.what, /\?carillon/);
      const { file, line, column } = found.where;
      const place = [file, line, column].filter((part) => part !== undefined).join(':');
      if (at?.includes(':') === true) assert.equal(place, at);
      else assert.equal(file, at);
      if (mend !== undefined) assert.match(found.mend, mend);
    }
  });
}

test('what is wrong with all modules is told at once; an error has its own file', async () => {
  const folder = written({
    'a.ts': "import './deep/b.ts';",
    'deep/b.ts': "\nthrow new Error('deep');",
    'c.ts': step("summary: '', drops: 1,"),
    'd.ts': step(),
    'e.ts': step(),
  });
  const diagnostics = await told(folder, 'a.ts', 'none.ts', 'c.ts', 'd.ts', 'e.ts');
  assert.deepEqual(
    diagnostics.map(({ code, where }) => [code, where.file, where.line]),
    [
      ['CAR945', 'deep/b.ts', 2],
      ['CAR902', 'none.ts', undefined],
      ['CAR948', 'c.ts', undefined],
      ['CAR948', 'c.ts', undefined],
      ['CAR947', 'e.ts', undefined],
    ],
  );
});
