/**
 * Which tests may notice a fault in a file: those that import it, be it over others, the nearest
 * first. Without the tests that need servers, and without what looks at the tree only.
 */
import { importsOf } from '../tidy/imports.ts';
import { isTest, sources } from '../tidy/tree.ts';

const LEFT_OUT = /^test\/(tidy|cluster|e2e|mutation)\/|\.cluster\.test\.ts$/;

/** By file: those that import it. */
function users(): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const source of sources) {
    for (const { file, isType } of importsOf(source)) {
      if (file === null || isType) continue;
      found.set(file, [...(found.get(file) ?? []), source.path]);
    }
  }
  return found;
}

const importedBy = users();

/** Test files in the order of how far they are from the file, of equal ones by name. */
export function relatedTests(file: string): string[] {
  const far = new Map([[file, 0]]);
  const waiting = [file];
  for (let one = waiting.shift(); one !== undefined; one = waiting.shift()) {
    for (const user of importedBy.get(one) ?? []) {
      // What tests share is no further than the tests themselves.
      const isShared = one.startsWith('test/') && !isTest(one);
      const distance = far.get(one)! + (isShared ? 0 : 1);
      if (distance >= (far.get(user) ?? Number.POSITIVE_INFINITY)) continue;
      far.set(user, distance);
      waiting.push(user);
    }
  }
  const own = file.replace(/\.ts$/, '.test.ts');
  const strangeness = (test: string) => {
    if (test === own) return 0;
    if (test.split('/')[0] === file.split('/')[0]) return 1;
    return test.startsWith('test/') ? 2 : 3;
  };
  return [...far]
    .filter(([one]) => isTest(one) && !LEFT_OUT.test(one))
    .sort(
      ([a, x], [b, y]) =>
        Number(b === own) - Number(a === own) ||
        x - y ||
        strangeness(a) - strangeness(b) ||
        (a < b ? -1 : 1),
    )
    .map(([one]) => one);
}
