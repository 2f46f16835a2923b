import { test } from 'node:test';
import { importsOf } from './imports.ts';
import { assertNone, files, isTest, sources } from './tree.ts';

const INDEX = 'processors/index.ts';

/** A processor is a file that defines a step; the others are what processors share. */
const DEFINES = /\bdefine(?:Each|Expand|Timed|Operator)\s*[(<]/g;

const inFolder = sources.filter(
  ({ path }) => path.startsWith('processors/') && !isTest(path) && path !== INDEX,
);

test('every file of processors has its test beside it', () => {
  assertNone(
    inFolder
      .map(({ path }) => path.replace(/\.ts$/, '.test.ts'))
      .filter((path) => !files.includes(path))
      .map((path) => `${path} is missing.`),
  );
});

test('every processor has one file and a line of the catalog', () => {
  const index = sources.find(({ path }) => path === INDEX);
  const listed = new Set(index === undefined ? [] : importsOf(index).map((of) => of.file));
  const faults: string[] = [];
  for (const { path, code } of inFolder) {
    const count = [...code.matchAll(DEFINES)].length;
    if (count > 1) faults.push(`${path}: ${count} processors in one file.`);
    if (count === 1 && !listed.has(path)) faults.push(`${path}: not in ${INDEX}.`);
    if (count === 0 && listed.has(path)) faults.push(`${path}: in ${INDEX}, but no processor.`);
  }
  assertNone(faults);
});
