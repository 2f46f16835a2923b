/** `carillon check`: all errors of topologies and their tests at once; nothing is started. */
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type Compiled, compile } from '../../compiler/compile.ts';
import type { Plan } from '../../compiler/plan.ts';
import { render, renderJson } from '../../compiler/render.ts';
import { parseTopologyTest } from '../../compiler/topology-test.ts';
import type { Diagnostic } from '../../core/error.ts';
import type { Catalog } from '../../core/spec.ts';
import { readableSchemas, type SchemaFolder } from '../../schemas/folder.ts';
import { readDeployment } from '../deployment.ts';
import { shownPath } from '../load-topology.ts';
import { catalogWith } from '../modules/load-modules.ts';
import { readText } from '../read-text.ts';
import { EXIT_ERRORS, EXIT_OK } from '../show-error.ts';
import { isTestFile, testOf, topologyOf } from '../test-files.ts';

export interface CheckOptions {
  readonly deployment?: string;
  readonly processors?: readonly string[];
  readonly format: 'text' | 'json';
  /** Warnings are errors. */
  readonly strict?: boolean;
}

interface Checked {
  readonly file: string;
  readonly text: string;
  readonly diagnostics: readonly Diagnostic[];
  /** What it is, when all is well. */
  readonly summary: string;
  /** What is mended first: of a test its topology, of a topology the schemas; then it is judged. */
  readonly waitsFor?: string | undefined;
}

export async function check(files: readonly string[], options: CheckOptions): Promise<number> {
  const folder = process.cwd();
  const deployment = readDeployment({
    file: options.deployment,
    folder,
    env: process.env,
    processors: options.processors,
  });
  const { folder: schemas, problems, warnings } = readableSchemas(...deployment.schemas);
  const checker = new Checker(await catalogWith(deployment.processors, folder), schemas, folder);
  const named = files.length > 0 ? files : withTest(deployment.topology);
  const checked = checker.files(pathsOf(named, folder));
  const shown = [...problems, ...warnings].map((one) => shownFrom(folder, one));
  const broken = shown[problems.length === 0 ? -1 : 0];
  const beside = broken === undefined ? checked : checked.map(besideBroken(broken));
  return report([...ofSchemas(shown), ...beside], options);
}

const shownFrom = (folder: string, { where, ...told }: Diagnostic): Diagnostic => {
  const file = where.file === undefined ? {} : { file: shownPath(where.file, folder) };
  return { ...told, where: { ...where, ...file } };
};

/** What is wrong with the schemas, file by file. */
function ofSchemas(problems: readonly Diagnostic[]): Checked[] {
  const byFile = Map.groupBy(problems, ({ where }) => where.file ?? 'schemas');
  return [...byFile].map(([file, told]) => ({ file, text: '', diagnostics: told, summary: '' }));
}

/** A schema that is not there may stand in a file that cannot be read. */
const MAY_BE_BROKEN: ReadonlySet<string> = new Set(['CAR401']);

const besideBroken =
  ({ where }: Diagnostic) =>
  (checked: Checked): Checked => ({
    ...checked,
    diagnostics: checked.diagnostics.filter(({ code }) => !MAY_BE_BROKEN.has(code)),
    waitsFor: where.file ?? 'the schemas',
  });

function withTest(topology: string): string[] {
  const test = testOf(topology);
  return test !== topology && existsSync(test) ? [topology, test] : [topology];
}

class Checker {
  readonly #catalog: Catalog;
  readonly #schemas: SchemaFolder;
  readonly #folder: string;
  readonly #compiled = new Map<string, { text: string; compiled: Compiled }>();

  constructor(catalog: Catalog, schemas: SchemaFolder, folder: string) {
    this.#catalog = catalog;
    this.#schemas = schemas;
    this.#folder = folder;
  }

  /** Of a test file the topology, too, when there are errors in it. */
  files(paths: readonly string[]): Checked[] {
    const tested = paths.filter(isTestFile).map(topologyOf);
    const others = new Set(tested.filter((path) => !paths.includes(path)));
    const checked = paths.map((path) =>
      isTestFile(path) ? this.#test(path) : this.#topology(path),
    );
    const broken = [...others].filter((path) => this.#compile(path).compiled.plan === undefined);
    return [...checked, ...broken.map((path) => this.#topology(path))];
  }

  #topology(path: string): Checked {
    const { text, compiled } = this.#compile(path);
    const { plan, diagnostics } = compiled;
    const summary =
      plan === undefined
        ? ''
        : `${plan.topology}: ${count(useCasesOf(plan.subTopologies), 'use case')}, ` +
          `${count(plan.sinks.length, 'sink')}, ${count(plan.topics.length, 'topic')}`;
    return { file: shownPath(path, this.#folder), text, diagnostics, summary };
  }

  #test(path: string): Checked {
    const file = shownPath(path, this.#folder);
    const text = readText(path, file);
    const beside = topologyOf(path);
    // The names in a test are checked against its topology, which may be broken.
    const { plan, words } = this.#compile(beside).compiled;
    const { test, diagnostics } = parseTopologyTest(text, file, plan, words);
    const summary = test === undefined ? '' : count(test.tests.length, 'test');
    const waitsFor = plan === undefined ? shownPath(beside, this.#folder) : undefined;
    return { file, text, diagnostics, summary, waitsFor };
  }

  #compile(path: string): { text: string; compiled: Compiled } {
    let known = this.#compiled.get(path);
    if (known === undefined) {
      const file = shownPath(path, this.#folder);
      const text = readText(path, file);
      const { env } = process;
      const options = { file, catalog: this.#catalog, schemas: this.#schemas, env };
      known = { text, compiled: compile(text, options) };
      this.#compiled.set(path, known);
    }
    return known;
  }
}

/** A stream that can give several priorities stands in several sub-topologies. */
function useCasesOf(subs: Plan['subTopologies']): number {
  const streams = subs.filter(({ role }) => role.startsWith('streams'));
  return new Set(streams.flatMap((sub) => sub.streams.map(({ useCase }) => useCase))).size;
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

/** As it is told: with `--strict` nothing is only a warning. */
function levelled({ diagnostics }: Checked, strict: boolean): readonly Diagnostic[] {
  return strict ? diagnostics.map((one) => ({ ...one, level: 'error' })) : diagnostics;
}

function report(found: readonly Checked[], { format, strict = false }: CheckOptions): number {
  const checked = found.map((one) => ({ ...one, diagnostics: levelled(one, strict) }));
  const all = checked.flatMap(({ diagnostics }) => diagnostics);
  const errors = all.filter(({ level }) => level === 'error').length;
  if (format === 'json') {
    process.stdout.write(renderJson(all));
    return errors > 0 ? EXIT_ERRORS : EXIT_OK;
  }
  if (all.length > 0) {
    process.stderr.write(render(all, new Map(checked.map(({ file, text }) => [file, text]))));
  }
  for (const { file, diagnostics, summary, waitsFor } of checked) {
    if (diagnostics.some(({ level }) => level === 'error')) continue;
    // A schema of which something is only warned is no topology.
    if (summary === '' && waitsFor === undefined) continue;
    const told = waitsFor === undefined ? `ok  ${summary}` : `waits for ${waitsFor}`;
    process.stdout.write(`${file}  ${told}\n`);
  }
  if (errors > 0) {
    const bad = checked.filter(({ diagnostics }) =>
      diagnostics.some(({ level }) => level === 'error'),
    ).length;
    process.stderr.write(`\n${count(errors, 'error')} in ${count(bad, 'file')}.\n`);
  }
  return errors > 0 ? EXIT_ERRORS : EXIT_OK;
}
