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
  for (const [one, distance] of far) {
    for (const user of importedBy.get(one) ?? []) if (!far.has(user)) far.set(user, distance + 1);
  }
  const own = file.replace(/\.ts$/, '.test.ts');
  return [...far]
    .filter(([one]) => isTest(one) && !LEFT_OUT.test(one))
    .sort(([a, x], [b, y]) => Number(b === own) - Number(a === own) || x - y || (a < b ? -1 : 1))
    .map(([one]) => one);
}
