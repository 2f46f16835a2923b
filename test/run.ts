/**
 * All rings of tests, one after the other, with a table at the end.
 *
 *   node test/run.ts              all of them (npm test)
 *   node test/run.ts check        the quick ones, without servers (npm run check)
 *   node test/run.ts part tidy    only these
 *
 * The last line is `N passed, N failed, N skipped`, summed over the rings; the exit code is 1 when
 * anything failed, 2 on wrong usage. A ring that has no tests yet is left out.
 */
import { chosenRings, RINGS, type Ring } from './rings.ts';
import { type RingResult, runRing } from './run-ring.ts';

/** The first version that runs TypeScript and has node:sqlite and zstd without a flag. */
const NODE_FLOOR = [22, 18] as const;

function nodeProblem(version: string): string | undefined {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [floorMajor, floorMinor] = NODE_FLOOR;
  if (major > floorMajor || (major === floorMajor && minor >= floorMinor)) return undefined;
  return (
    `This is Node ${version}; Carillon needs ${floorMajor}.${floorMinor} or later.\n` +
    'Mend: npm ci brings one along for Linux, macOS and Windows; npm test then runs on it.\n'
  );
}

function tableOf(results: readonly RingResult[]): string {
  const head = ['ring', 'passed', 'failed', 'skipped', 'seconds'];
  const rows = results.map((result) => [
    result.ring,
    String(result.passed),
    String(result.failed),
    String(result.skipped),
    (result.ms / 1000).toFixed(1),
  ]);
  const widths = head.map((title, n) =>
    Math.max(title.length, ...rows.map((row) => row[n]!.length)),
  );
  const lineOf = (row: readonly string[]) =>
    row
      .map((cell, n) => (n === 0 ? cell.padEnd(widths[n]!) : cell.padStart(widths[n]!)))
      .join('  ');
  return [head, ...rows].map(lineOf).join('\n');
}

async function main(args: readonly string[]): Promise<number> {
  const problem = nodeProblem(process.versions.node);
  if (problem !== undefined) {
    process.stderr.write(problem);
    return 1;
  }
  const rings = chosenRings(args);
  if (rings === undefined) {
    const names = RINGS.map((ring: Ring) => ring.name).join(', ');
    process.stderr.write(`No such ring: ${args.join(' ')}. There are: check, all, ${names}.\n`);
    return 2;
  }
  const results: RingResult[] = [];
  for (const ring of rings) {
    const result = await runRing(ring);
    if (result !== undefined) results.push(result);
  }
  const sum = (of: (result: RingResult) => number) =>
    results.reduce((total, result) => total + of(result), 0);
  const failed = sum((result) => result.failed);
  const seconds = (sum((result) => result.ms) / 1000).toFixed(1);
  process.stdout.write(`\n${tableOf(results)}\n\n${seconds} s in all\n`);
  process.stdout.write(
    `${sum((result) => result.passed)} passed, ${failed} failed, ` +
      `${sum((result) => result.skipped)} skipped\n`,
  );
  return failed > 0 ? 1 : 0;
}

process.exitCode = await main(process.argv.slice(2));
