/** Which places of which files a test ran, as V8 says it (NODE_V8_COVERAGE). */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

interface Range {
  readonly startOffset: number;
  readonly endOffset: number;
  readonly count: number;
}

interface Script {
  readonly url: string;
  readonly functions: readonly { readonly ranges: readonly Range[] }[];
}

/** By file, from the root: the ranges of each process that loaded it. */
export type Coverage = Map<string, (readonly Range[])[]>;

/** Reads what the processes of one test have written; `root` is where they ran. */
export function readCoverage(folder: string, root: string): Coverage {
  const found: Coverage = new Map();
  for (const name of readdirSync(folder)) {
    const { result } = JSON.parse(readFileSync(join(folder, name), 'utf8')) as {
      readonly result: readonly Script[];
    };
    for (const { url, functions } of result) {
      if (!url.startsWith('file:')) continue;
      const path = fileURLToPath(url.replace(/[?#].*$/, ''));
      if (!path.startsWith(`${root}/`) || path.includes('/node_modules/')) continue;
      const file = path.slice(root.length + 1);
      const ranges = functions.flatMap((one) => one.ranges);
      found.set(file, [...(found.get(file) ?? []), ranges]);
    }
  }
  return found;
}

/** Whether what stands at a place was run: the narrowest range around it counts. */
export function ran(coverage: Coverage, file: string, at: number): boolean {
  return (coverage.get(file) ?? []).some((ranges) => {
    let narrowest: Range | undefined;
    for (const range of ranges) {
      if (range.startOffset > at || range.endOffset <= at) continue;
      const size = range.endOffset - range.startOffset;
      // Of two that are alike the later one is the inner one.
      if (narrowest === undefined || size <= narrowest.endOffset - narrowest.startOffset) {
        narrowest = range;
      }
    }
    return (narrowest?.count ?? 0) > 0;
  });
}
