/** `carillon diff`: what two runs of the driver told, notification by notification. */
import { resolve } from 'node:path';
import { type Comparison, compare, isSame } from '../diff/compare.ts';
import { readTold } from '../diff/driven-lines.ts';
import { readText } from '../read-text.ts';
import { EXIT_ERRORS, EXIT_OK } from '../show-error.ts';

export interface DiffOptions {
  /** Paths of fields, with commas. */
  readonly ignore: string;
  readonly format: 'text' | 'json';
}

/** Exit status 1 when they differ. */
export async function diff(a: string, b: string, options: DiffOptions): Promise<number> {
  const read = (file: string) => readTold(readText(resolve(process.cwd(), file), file), file);
  const ignored = new Set(options.ignore.split(',').map((path) => path.trim()));
  const compared = compare(read(a), read(b), ignored);
  process.stdout.write(
    options.format === 'json' ? `${JSON.stringify(compared, null, 2)}\n` : comparisonText(compared),
  );
  return isSame(compared) ? EXIT_OK : EXIT_ERRORS;
}

const said = (value: unknown) => (value === undefined ? 'nothing' : JSON.stringify(value));

function comparisonText(compared: Comparison): string {
  const { onlyInFirst, onlyInSecond, changed, moved, counts, equal } = compared;
  const lines = [
    ...onlyInFirst.map((name) => `- ${name}`),
    ...onlyInSecond.map((name) => `+ ${name}`),
    ...changed.flatMap(({ name, fields }) => [
      `~ ${name}`,
      ...fields.map(({ path, from, to }) => `    ${path}: ${said(from)} → ${said(to)}`),
    ]),
    ...moved.map((place) => `↕ ${place}: in another order`),
    ...counts.map(({ name, from, to }) => `# ${name}: ${from} → ${to}`),
  ];
  const sums = [
    `${onlyInFirst.length} only in the first`,
    `${onlyInSecond.length} only in the second`,
    `${changed.length} changed`,
    `${moved.length} in another order`,
    `${equal} equal`,
  ];
  return `${lines.map((line) => `${line}\n`).join('')}${sums.join(', ')}\n`;
}
