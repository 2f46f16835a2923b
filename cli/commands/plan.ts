/** `carillon plan [OLD] NEW`: what an edit of a topology would do, before it is done. */
import { resolve } from 'node:path';
import { CarillonError } from '../../core/error.ts';
import type { Applied } from '../../runtime/edits/applied.ts';
import { type Comparison, compareFiles } from '../../runtime/edits/comparison.ts';
import { refuseOtherWords } from '../../runtime/edits/other-words.ts';
import { refuseOther } from '../../runtime/edits/renamed.ts';
import type { EditLine } from '../../runtime/edits/words.ts';
import { readDeployment } from '../deployment.ts';
import { loadTopology } from '../load-topology.ts';
import { EXIT_OK } from '../show-error.ts';
import { appliedFrom, storedEdit } from '../stored-edit.ts';

export interface PlanOptions {
  readonly deployment?: string;
  readonly processors?: readonly string[];
  readonly format: 'text' | 'json';
}

/** Something would be lost. */
export const EXIT_LOSES = 2;
const FILES_MAX = 2;

/**
 * Two files are compared as they are; one (default: the deployment's) with what is stored. Throws
 * CAR817, as `carillon run` does, where the topology has another name.
 */
export async function plan(files: readonly string[], options: PlanOptions): Promise<number> {
  const folder = process.cwd();
  const deployment = readDeployment({
    file: options.deployment,
    folder,
    env: process.env,
    processors: options.processors,
  });
  if (files.length > FILES_MAX) {
    const what = `plan takes the old file and the new one, not ${files.length} files.`;
    throw new CarillonError('CAR900', what, { where: { at: files[FILES_MAX]! } });
  }
  const load = (file: string | undefined) =>
    loadTopology(deployment, {
      folder,
      env: process.env,
      file: file === undefined ? undefined : resolve(folder, file),
    });
  const [first, second] = files;
  const is = await load(second ?? first);
  const found =
    second === undefined
      ? await storedEdit(deployment, is)
      : betweenFiles(appliedFrom(await load(first)), appliedFrom(is));
  const isLosing = found.stakes.losses.length > 0;
  process.stdout.write(
    options.format === 'json'
      ? `${JSON.stringify({ topology: is.plan.topology, loses: isLosing, lines: found.lines })}\n`
      : text(found),
  );
  return isLosing ? EXIT_LOSES : EXIT_OK;
}

function betweenFiles(was: Applied, is: Applied): Comparison {
  refuseOther(was, is);
  refuseOtherWords(was, is);
  return compareFiles(was, is);
}

function text({ was, is, lines, stakes }: Comparison): string {
  const from = was === null ? 'nothing is stored of what ran before' : `runs ${was.hash}`;
  const head = `topology ${is.topology}: ${from}, would run ${is.hash}\n\n`;
  const widths = [0, 0, 0];
  const cells = lines.map(({ of, name, priority, how }: EditLine) => {
    return [of, priority === undefined ? name : `${name}, ${priority}`, how];
  });
  for (const row of cells)
    row.forEach((cell, i) => {
      widths[i] = Math.max(widths[i]!, cell.length);
    });
  const body = lines.map((line, n) => {
    const row = cells[n]!.map((cell, i) => cell.padEnd(widths[i]!)).join('  ');
    return `${row}  ${line.what}`.trimEnd();
  });
  return `${head}${body.join('\n')}\n\n${ending(stakes.losses.length)}\n`;
}

function ending(losses: number): string {
  if (losses === 0) return 'Nothing is lost.';
  const what = losses === 1 ? '1 thing would be lost' : `${losses} things would be lost`;
  return `${what}: carillon run refuses it, unless --drain (told first) or --drop (counted) is given.`;
}
