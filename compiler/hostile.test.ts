/**
 * Whatever is written, the compiler says what is wrong: it never throws, and never plans an error.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { sinks } from '../connectors/index.ts';
import { steps } from '../processors/index.ts';
import { readSchemaFolder } from '../schemas/folder.ts';
import { compile } from './compile.ts';
import { render } from './render.ts';

const SEED = Number(process.env.SEED ?? 20_260_101);
console.log(`topology mutations: seed ${SEED} (SEED=… runs another)`);

const FILE = 't.yaml';
const RENO = readFileSync(new URL('../topology/reno.yaml', import.meta.url), 'utf8');
const schemas = readSchemaFolder(new URL('../schemas', import.meta.url).pathname);
const TOKENS = [...RENO.matchAll(/[\w.${}-]+|\S/g)].map((match) => ({
  start: match.index,
  end: match.index + match[0].length,
}));

/** What people write by mistake, and what only an enemy does. */
const INSTEAD = [
  ...['', 'null', '[]', '{}', '30', '-1', '1e99', 'true', '"x"', '[1, 2]', '{ a: b }', 'key'],
  ...["'value.kind =='", '"${', '__proto__', 'constructor', '&a', '*a', '? x', '!!int a', '- -'],
];

const mutations = fc.array(fc.tuple(fc.nat(TOKENS.length - 1), fc.constantFrom(...INSTEAD)), {
  minLength: 1,
  maxLength: 3,
});

test('property: a text that was tampered with gives diagnostics or a plan, never both or an exception', () => {
  fc.assert(
    fc.property(mutations, (replaced) => {
      let text = RENO;
      for (const [at, instead] of replaced.toSorted(([a], [b]) => b - a)) {
        const { start, end } = TOKENS[at]!;
        text = text.slice(0, start) + instead + text.slice(end);
      }
      const catalog = { steps, sinks };
      const { plan, diagnostics } = compile(text, { file: FILE, catalog, schemas, env: {} });
      const isWrong = diagnostics.some(({ level }) => level === 'error');
      assert.equal(plan === undefined, isWrong);
      assert.equal(render(diagnostics, new Map([[FILE, text]])) !== '', diagnostics.length > 0);
      const lines = diagnostics.map(({ where }) => where.line!);
      assert.deepEqual(
        lines,
        lines.toSorted((a, b) => a - b),
        'in file order',
      );
    }),
    { seed: SEED, numRuns: 150 },
  );
});
