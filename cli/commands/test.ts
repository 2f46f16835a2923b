/** `carillon test`: runs the `*.test.yaml` files beside topologies. */
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseTopologyTest } from '../../compiler/topology-test.ts';
import { CarillonError } from '../../core/error.ts';
import { readDeployment } from '../deployment.ts';
import { type CaseResult, runTopologyTest } from '../drive/topology-test-run.ts';
import { loadTopology, shownPath } from '../load-topology.ts';
import { readText } from '../read-text.ts';
import { EXIT_ERRORS, EXIT_OK, FileErrors } from '../show-error.ts';
import { isTestFile, testOf, topologyOf } from '../test-files.ts';

export async function test(
  paths: readonly string[],
  options: { readonly deployment?: string; readonly processors?: readonly string[] },
): Promise<number> {
  const folder = process.cwd();
  const deployment = readDeployment({
    file: options.deployment,
    folder,
    env: process.env,
    processors: options.processors,
  });
  const files = paths.flatMap((path) => testFiles(resolve(folder, path), path));
  let passed = 0;
  let failed = 0;
  for (const path of files) {
    const file = shownPath(path, folder);
    const text = readText(path, file);
    const topology = topologyOf(path);
    const { plan, schemas } = await loadTopology(deployment, {
      folder,
      env: process.env,
      file: topology,
    });
    const parsed = parseTopologyTest(text, file, plan);
    if (parsed.test === undefined)
      throw new FileErrors(parsed.diagnostics, new Map([[file, text]]));
    process.stdout.write(`${file}\n`);
    for (const result of await runTopologyTest(parsed.test, plan, schemas)) {
      if (result.differences.length === 0) passed++;
      else failed++;
      process.stdout.write(caseText(file, result));
    }
  }
  process.stdout.write(`\n${passed} passed, ${failed} failed\n`);
  return failed === 0 ? EXIT_OK : EXIT_ERRORS;
}

function testFiles(path: string, shown: string): string[] {
  if (!existsSync(path)) {
    throw new CarillonError('CAR902', `${shown} is not there.`, { where: { file: shown } });
  }
  if (!statSync(path).isDirectory()) return [isTestFile(path) ? path : testOf(path)];
  return readdirSync(path, { recursive: true, encoding: 'utf8' })
    .filter(isTestFile)
    .sort()
    .map((name) => join(path, name));
}

function caseText(file: string, { it, differences }: CaseResult): string {
  if (differences.length === 0) return `  ✔ ${it}\n`;
  const lines = differences.map(({ where, sign, what }) => {
    const at = where.line === undefined ? file : `${file}:${where.line}`;
    return `      ${sign} ${what}   (${at})\n`;
  });
  return `  ✖ ${it}\n${lines.join('')}`;
}
