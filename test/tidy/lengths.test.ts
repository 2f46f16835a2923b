import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  COLUMNS_MAX,
  FILE_LINES_MAX,
  FUNCTION_LINES_MAX,
  fileLines,
  functionLengths,
  longComments,
} from './lengths.ts';
import { readSource } from './source.ts';
import { assertNone, ROOT, read, sources } from './tree.ts';

/**
 * What was longer when the limit came: `path` or `path:function`, with its lines. An entry may only
 * shrink or go; UPDATE=1 takes down what has shrunk, and never adds one.
 */
const RATCHET = 'test/tidy/ratchet.json';

interface Ratchet {
  readonly [subject: string]: number;
}

function measured(): Ratchet {
  const over: { [subject: string]: number } = {};
  for (const source of sources) {
    const lines = fileLines(source);
    if (lines > FILE_LINES_MAX) over[source.path] = lines;
    for (const { name, lines: size } of functionLengths(source)) {
      if (size > FUNCTION_LINES_MAX) over[`${source.path}:${name}`] = size;
    }
  }
  return over;
}

function faultsOf(over: Ratchet, ratchet: Ratchet): string[] {
  const faults: string[] = [];
  for (const [subject, lines] of Object.entries(over)) {
    const allowed = ratchet[subject];
    const limit = subject.includes(':') ? FUNCTION_LINES_MAX : FILE_LINES_MAX;
    if (allowed === undefined)
      faults.push(`${subject}: ${lines} lines, over ${limit}. Mend: split it.`);
    else if (lines > allowed) faults.push(`${subject}: ${lines} lines, has grown from ${allowed}.`);
  }
  for (const [subject, allowed] of Object.entries(ratchet)) {
    if ((over[subject] ?? 0) < allowed) {
      faults.push(
        `${subject} is shorter than ${RATCHET} says. Mend: UPDATE=1 node test/run.ts tidy`,
      );
    }
  }
  return faults;
}

/** The ratchet with every entry taken down to what is measured. */
function tightened(over: Ratchet, ratchet: Ratchet): Ratchet {
  return Object.fromEntries(
    Object.entries(ratchet)
      .filter(([subject]) => over[subject] !== undefined)
      .map(([subject, allowed]) => [subject, Math.min(allowed, over[subject]!)]),
  );
}

test('files and functions keep to their lengths', () => {
  const over = measured();
  let ratchet: Ratchet = JSON.parse(read(RATCHET));
  if (process.env.UPDATE === '1') {
    ratchet = tightened(over, ratchet);
    writeFileSync(join(ROOT, RATCHET), `${JSON.stringify(ratchet, null, 2)}\n`);
  }
  assertNone(faultsOf(over, ratchet));
});

test(`comments keep to ${COLUMNS_MAX} columns`, () => {
  assertNone(
    sources.flatMap((source) =>
      longComments(source).map(
        (line) =>
          `${source.path}:${line}: break the comment. Mend: node test/tidy/wrap-comments.ts ${source.path}`,
      ),
    ),
  );
});

test('the ratchet only tightens', () => {
  assert.deepEqual(faultsOf({ 'a.ts': 410 }, { 'a.ts': 410 }), []);
  assert.equal(faultsOf({ 'a.ts': 411 }, { 'a.ts': 410 }).length, 1, 'grown');
  assert.equal(faultsOf({ 'a.ts': 405 }, { 'a.ts': 410 }).length, 1, 'not taken down');
  assert.equal(faultsOf({}, { 'a.ts': 410 }).length, 1, 'gone');
  assert.equal(faultsOf({ 'b.ts': 401 }, {}).length, 1, 'new');
  const over = { 'a.ts': 405, 'b.ts': 500, 'c.ts': 450 };
  assert.deepEqual(tightened(over, { 'a.ts': 410, 'c.ts': 440, 'd.ts': 420 }), {
    'a.ts': 405,
    'c.ts': 440,
  });
});

test('functions are found by their heads, blocks are not', () => {
  const text = `
export function a(b: C): D {
  if (b) {
    return () => {
      b();
    };
  }
}
class E {
  get f(): G {
    return 1;
  }
  async #h(
    i: J,
  ): Promise<{ k: L }> {
    for (const m of i) {
    }
  }
}
const n = async (o: P) => {
  switch (o) {
  }
};
const q = { r: 1 };
export const s = t({
  open({ u }) {
    return u;
  },
});
export function contract(v: W) {
  test('a', () => {
    v();
  });
}
`;
  const found = functionLengths(readSource('x.ts', text));
  assert.deepEqual(
    found.map(({ name, line, lines }) => [name, line, lines]),
    [
      ['a', 2, 7],
      ['return () => {', 4, 3],
      ['f', 10, 3],
      ['#h', 13, 6],
      ['n', 20, 4],
      ['open', 26, 3],
      ["test('a', () => {", 31, 3],
    ],
  );
});
