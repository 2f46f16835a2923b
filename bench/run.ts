/**
 * `npm run bench`: runs the benchmarks one after the other, each in a process of its own, prints a
 * table and writes all figures to bench/figures.json.
 *
 *     npm run bench                   all that need no server
 *     npm run bench -- engine gateway these
 *     npm run bench -- latency-kafka  needs the servers of the cluster ring; not in `all`
 *     npm run bench -- nexmark        needs Java; bench/nexmark/README.md
 *     npm run bench -- aggregate-growth   ten million windows: 14 GB of heap
 *     npm run bench -- engine-peer    as latency-kafka; more of it: npm run bench:engine -- --help
 */
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { createInterface } from 'node:readline';
import type { Figure } from './figure.ts';

type Printed = Figure & { readonly ratio: number | null };

const FILES: { readonly [name: string]: string } = {
  'start-up': './start-up.ts',
  locator: './locator.ts',
  engine: './engine.ts',
  state: './state.ts',
  'state-memory': './state-memory.ts',
  embedded: './embedded.ts',
  'embedded-log': './embedded-log.ts',
  'latency-embedded': './latency-embedded.ts',
  gateway: './gateway.ts',
  'push-sinks': './push-sinks.ts',
  'latency-kafka': './latency-kafka.ts',
  nexmark: './nexmark/in-process.ts',
  'aggregate-growth': './nexmark/growth.ts',
  'engine-peer': './engine-peer.ts',
  'engine-peer-without-coalesce': './engine-peer.ts',
};
/** Needs servers, which take a minute to start, or Java, or much memory: only when it is named. */
const ON_REQUEST = [
  'latency-kafka',
  'nexmark',
  'aggregate-growth',
  'engine-peer',
  'engine-peer-without-coalesce',
];
const ALL = Object.keys(FILES).filter((name) => !ON_REQUEST.includes(name));
const FIGURES_FILE = new URL('./figures.json', import.meta.url);
const FLAGS: { readonly [name: string]: readonly string[] } = {
  gateway: ['--expose-gc'],
  state: ['--expose-gc'],
  'state-memory': ['--expose-gc'],
  nexmark: ['--max-old-space-size=8192'],
  // Ten million windows are objects.
  'aggregate-growth': ['--expose-gc', '--max-old-space-size=14336'],
  // Keeps all outputs of both contenders to compare them.
  'engine-peer': ['--max-old-space-size=8192'],
  'engine-peer-without-coalesce': ['--max-old-space-size=8192'],
};
const ARGS: { readonly [name: string]: readonly string[] } = {
  'engine-peer': ['--no-engine'],
  'engine-peer-without-coalesce': ['--no-engine', '--without-coalesce'],
};

const wanted = process.argv.slice(2);
const unknown = wanted.find((name) => !(name in FILES));
if (unknown !== undefined) {
  console.error(`"${unknown}" is not a benchmark: ${Object.keys(FILES).join(', ')}.`);
  process.exit(2);
}

const figures: Printed[] = [];
let failed = 0;
for (const name of wanted.length === 0 ? ALL : wanted) {
  const started = performance.now();
  process.stdout.write(`${name} … `);
  const { code, lines } = await run(name);
  figures.push(...lines);
  if (code !== 0) failed++;
  const seconds = ((performance.now() - started) / 1_000).toFixed(1);
  process.stdout.write(`${code === 0 ? 'done' : `FAILED (exit ${code})`}, ${seconds} s\n`);
}
process.stdout.write(`\n${table(figures)}\n`);
const machine = { cpus: cpus().length, model: cpus()[0]?.model, node: process.version };
writeFileSync(FIGURES_FILE, `${JSON.stringify({ machine, figures }, null, 2)}\n`);
process.stdout.write('All of it: bench/figures.json\n');
process.exitCode = failed === 0 ? 0 : 1;

async function run(name: string): Promise<{ code: number; lines: Printed[] }> {
  const file = new URL(FILES[name]!, import.meta.url).pathname;
  const child = spawn(process.execPath, [...(FLAGS[name] ?? []), file, ...(ARGS[name] ?? [])], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const lines: Printed[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    if (line.startsWith('{"bench"')) lines.push(JSON.parse(line) as Printed);
  }
  const code =
    child.exitCode ?? (await new Promise<number>((resolve) => child.on('exit', resolve)));
  return { code, lines };
}

function table(rows: readonly Printed[]): string {
  const cells = rows.map((row) => [
    row.bench,
    `${short(row.value)} ${row.unit}`,
    `${short(row.floor)}`,
    row.ratio === null ? '–' : row.ratio.toFixed(2),
    row.beside,
    row.aim === undefined ? '' : `${row.aim}: ${row.met === true ? 'met' : 'not met'}`,
  ]);
  const head = ['benchmark', 'measured', 'floor', 'ratio', 'beside', 'aim'];
  const widths = head.map((title, i) =>
    Math.max(title.length, ...cells.map((row) => row[i]!.length)),
  );
  const line = (row: readonly string[]) =>
    row
      .map((cell, i) => cell.padEnd(widths[i]!))
      .join('  ')
      .trimEnd();
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...cells.map(line)].join(
    '\n',
  );
}

function short(value: number): string {
  if (value >= 10_000) return `${(value / 1_000).toFixed(1)}k`;
  return value >= 100 ? value.toFixed(0) : value.toFixed(value >= 10 ? 1 : 2);
}
