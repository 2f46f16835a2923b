/**
 * The part ring: all of its files in a few processes, many to each, two at a time. A process a file
 * would load most of the product three hundred times.
 *
 *   node test/part.ts                 all of them
 *   node test/part.ts core runtime    those of these folders
 *
 * Files share a process, so a test leaves nothing behind: no timer, no listener, no variable of the
 * environment. To look at one file alone: `node --test FILE`.
 */
import { spawn } from 'node:child_process';
import { partFiles, ROOT, TEST_TIMEOUT_MS } from './rings.ts';

const FILES_PER_PROCESS = 40;
const PROCESSES = 2;
const FAILING = '✖ failing tests:';
const SUMMARY = 'ℹ tests ';

function batches(files: readonly string[]): readonly string[][] {
  const count = Math.ceil(files.length / FILES_PER_PROCESS);
  // Dealt out like cards: slow files of one folder come to different processes.
  return Array.from({ length: count }, (_, n) => files.filter((_file, i) => i % count === n));
}

function run(files: readonly string[]): Promise<{ output: string; code: number }> {
  const args = [
    '--test',
    '--test-isolation=none',
    '--test-reporter=spec',
    `--test-timeout=${TEST_TIMEOUT_MS}`,
    ...files,
  ];
  const child = spawn(process.execPath, args, { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] });
  process.once('SIGTERM', () => child.kill());
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      output += chunk;
    });
  }
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve({ output, code: code ?? 1 }));
  });
}

/** The sums, and what failed. */
function told(output: string, code: number): string {
  if (code === 0) return output.slice(Math.max(0, output.lastIndexOf(SUMMARY)));
  const at = output.lastIndexOf(FAILING);
  // One that has died has no end that says what failed.
  return at < 0 ? output : output.slice(output.lastIndexOf(SUMMARY));
}

const folders = process.argv.slice(2);
const isMeant = (file: string) =>
  folders.length === 0 ||
  folders.some((folder) => file.startsWith(`${folder.replace(/\/$/, '')}/`));
const waiting = [...batches(partFiles().filter(isMeant))];
let failed = false;
await Promise.all(
  Array.from({ length: PROCESSES }, async () => {
    for (let files = waiting.shift(); files !== undefined; files = waiting.shift()) {
      const { output, code } = await run(files);
      // A test that ends the process takes all that comes behind it along.
      failed ||= code !== 0 || !output.includes(SUMMARY);
      process.stdout.write(`${told(output, code)}\n`);
    }
  }),
);
process.exitCode = failed ? 1 : 0;
