#!/usr/bin/env node
/**
 * The command `carillon`. Nothing but Node is loaded here, so that the version is told at once, and
 * so that a Node that is too old gets a sentence and not a stack.
 */
import module from 'node:module';
import { nodeIsTooOld, version } from './version.ts';

const words = process.argv.slice(2);
const tooOld = nodeIsTooOld(process.versions.node);
if (tooOld !== undefined) {
  process.stderr.write(tooOld);
  process.exitCode = 1;
} else if (words.length === 1 && (words[0] === '--version' || words[0] === '-V')) {
  process.stdout.write(`${version()}\n`);
} else {
  // Node keeps compiled code in the machine's temporary folder: a second start is twice as fast.
  module.enableCompileCache?.();
  const { main } = await import('./main.ts');
  process.exitCode = await main(words);
}
