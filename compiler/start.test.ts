/** `from.start`: where a stream begins when it is first applied. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sinks } from '../connectors/index.ts';
import { steps } from '../processors/index.ts';
import { readSchemaFolder } from '../schemas/folder.ts';
import { lanesWith } from '../test/kit/drive.ts';
import { streamText } from '../test/kit/edited-pipeline.ts';
import { compile } from './compile.ts';
import type { StartRule } from './plan.ts';

const schemas = readSchemaFolder(new URL('../schemas', import.meta.url).pathname);

const compiled = (start?: string, env: { [name: string]: string } = {}) => {
  const text = lanesWith(streamText({ id: 'x', ...(start === undefined ? {} : { start }) }));
  return compile(text, { file: 't.yaml', catalog: { steps, sinks }, schemas, env });
};

const RIGHT: readonly (readonly [string | undefined, StartRule])[] = [
  [undefined, { kind: 'latest' }],
  ['latest', { kind: 'latest' }],
  ['earliest', { kind: 'earliest' }],
  ['"earliest"', { kind: 'earliest' }],
  ['10m', { kind: 'ago', ms: 600_000 }],
  ['7d', { kind: 'ago', ms: 604_800_000 }],
  ['1ms', { kind: 'ago', ms: 1 }],
  // biome-ignore lint/suspicious/noTemplateCurlyInString: it is how a variable is written.
  ['"${START:-2h}"', { kind: 'ago', ms: 7_200_000 }],
];

for (const [written, rule] of RIGHT) {
  test(`start: ${written}`, () => {
    const { plan, diagnostics } = compiled(written);
    assert.deepEqual(diagnostics, []);
    assert.deepEqual(plan!.subTopologies[0]!.streams[0]!.start, rule);
  });
}

const WRONG: readonly (readonly [string, string])[] = [
  ['newest', 'CAR306'],
  ['Latest', 'CAR306'],
  ['-10m', 'CAR306'],
  ['true', 'CAR306'],
  ['null', 'CAR306'],
  ['30', 'CAR304'],
  ['"30"', 'CAR304'],
  ['10x', 'CAR304'],
  ['0s', 'CAR305'],
  ['[latest]', 'CAR103'],
  ['{ ago: 10m }', 'CAR103'],
];

for (const [written, code] of WRONG) {
  test(`start: ${written} is ${code}`, () => {
    const { plan, diagnostics } = compiled(written);
    assert.equal(plan, undefined);
    assert.deepEqual(
      diagnostics.map((one) => one.code),
      [code],
    );
    assert.match(diagnostics[0]!.what, /stream "x".*start/);
  });
}

test('start decides nothing of what two versions share: the hash is the same', () => {
  assert.equal(compiled('latest').plan!.hash, compiled('earliest').plan!.hash);
});
