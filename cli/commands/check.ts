/** `carillon check`: all errors of topologies and their tests at once; nothing is started. */
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { compile } from '../../compiler/compile.ts';
import { render, renderJson } from '../../compiler/render.ts';
import type { Diagnostic } from '../../core/error.ts';
import { readSchemaFolder } from '../../schemas/folder.ts';
import { catalog } from '../catalog.ts';
import { readDeployment } from '../deployment.ts';
import { shownPath } from '../load-topology.ts';
import { readText } from '../read-text.ts';
import { EXIT_ERRORS, EXIT_OK } from '../show-error.ts';

export interface CheckOptions {
  readonly deployment?: string;
  readonly format: 'text' | 'json';
}

interface Checked {
  readonly file: string;
  readonly text: string;
  readonly diagnostics: readonly Diagnostic[];
  /** What it is, when all is well. */
  readonly summary: string;
}

export async function check(files: readonly string[], options: CheckOptions): Promise<number> {
  const folder = process.cwd();
  const deployment = readDeployment({ file: options.deployment, folder, env: process.env });
  const schemas = readSchemaFolder(...deployment.schemas);
  const checked: Checked[] = [];
  for (const path of pathsOf(files.length > 0 ? files : [deployment.topology], folder)) {
    const file = shownPath(path, folder);
    const text = readText(path, file);
    const { plan, diagnostics } = compile(text, { file, catalog, schemas, env: process.env });
    const summary =
      plan === undefined
        ? ''
        : `${plan.topology}: ${count(streamsOf(plan.subTopologies), 'use case')}, ` +
          `${count(plan.sinks.length, 'sink')}, ${count(plan.topics.length, 'topic')}`;
    checked.push({ file, text, diagnostics, summary });
  }
  return report(checked, options.format);
}

/** A stream that can give several priorities stands in several sub-topologies. */
function streamsOf(subs: readonly { readonly streams: readonly { useCase: string }[] }[]): number {
  return new Set(subs.flatMap((sub) => sub.streams.map(({ useCase }) => useCase))).size;
}

function count(n: number, noun: string): string {
  return `${n} ${noun}${n === 1 ? '' : 's'}`;
}

/** A folder stands for the topologies and tests in it. */
function pathsOf(files: readonly string[], folder: string): string[] {
  return files.flatMap((file) => {
    const path = resolve(folder, file);
    if (!existsSync(path) || !statSync(path).isDirectory()) return [path];
    return readdirSync(path)
      .filter((name) => /\.ya?ml$/.test(name))
      .sort()
      .map((name) => join(path, name));
  });
}

function report(checked: readonly Checked[], format: 'text' | 'json'): number {
  const all = checked.flatMap(({ diagnostics }) => diagnostics);
  const errors = all.filter(({ level }) => level === 'error').length;
  if (format === 'json') {
    process.stdout.write(renderJson(all));
    return errors > 0 ? EXIT_ERRORS : EXIT_OK;
  }
  if (all.length > 0) {
    process.stderr.write(render(all, new Map(checked.map(({ file, text }) => [file, text]))));
  }
  for (const { file, diagnostics, summary } of checked) {
    if (diagnostics.some(({ level }) => level === 'error')) continue;
    process.stdout.write(`${file}  ok  ${summary}\n`);
  }
  if (errors > 0) {
    const bad = checked.filter(({ diagnostics }) => diagnostics.length > 0).length;
    process.stderr.write(`\n${count(errors, 'error')} in ${count(bad, 'file')}.\n`);
  }
  return errors > 0 ? EXIT_ERRORS : EXIT_OK;
}
