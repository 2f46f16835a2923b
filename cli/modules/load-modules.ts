/** The catalog, with the steps and sinks of modules of one's own. */
import { existsSync } from 'node:fs';
import { relative } from 'node:path';
import { CarillonError, CarillonErrors } from '../../core/error.ts';
import type { Catalog, SinkSpec, StepSpec } from '../../core/spec.ts';
import { catalog as own } from '../catalog.ts';
import { codeHash } from './code-hash.ts';
import { importFailure } from './import-failure.ts';
import { moduleUrl, registerResolution } from './resolution.ts';
import { faultsOf, isStep } from './spec-shape.ts';

/** A module that waits for longer while it is imported waits for what never comes. */
const IMPORT_MS_MAX = 10_000;
const NOT_EMITTED = { not_emitted: 'The operator left it out.' };

/** Where each name of a kind comes from; the catalog's own: nowhere. */
type Origins = Map<string, string | null>;

/**
 * `files`: absolute; messages show them as seen from `folder`. Throws CarillonErrors of all
 * modules: CAR902 and 945 to 948.
 */
export async function catalogWith(files: readonly string[], folder: string): Promise<Catalog> {
  if (files.length === 0) return own;
  registerResolution();
  const gathering = new Gathering();
  for (const file of files) {
    const path = relative(folder, file);
    const shown = path.startsWith('..') ? file : path;
    try {
      gathering.add(await specsOf(file, shown), shown, codeHash(file));
    } catch (error) {
      if (!(error instanceof CarillonError)) throw error;
      gathering.errors.push(error);
    }
  }
  if (gathering.errors.length > 0) throw new CarillonErrors(gathering.errors);
  return gathering;
}

async function specsOf(file: string, shown: string): Promise<readonly unknown[]> {
  if (!existsSync(file)) {
    throw new CarillonError('CAR902', 'there is no such file.', { where: { file: shown } });
  }
  const module = await imported(file, shown);
  const { default: given } = module as { readonly default?: unknown };
  const specs = Array.isArray(given) ? given : [given];
  if (given !== undefined && specs.length > 0) return specs;
  const what = given === undefined ? 'it has no default export.' : 'its list is empty.';
  throw new CarillonError('CAR946', what, { where: { file: shown } });
}

async function imported(file: string, shown: string): Promise<unknown> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(
        new Error(`it is not loaded after ${IMPORT_MS_MAX / 1_000} s: what does it wait for?`),
      );
    }, IMPORT_MS_MAX);
  });
  try {
    return await Promise.race([import(moduleUrl(file, codeHash(file))), late]);
  } catch (error) {
    throw importFailure(error, file, shown);
  } finally {
    clearTimeout(timer);
  }
}

class Gathering implements Catalog {
  readonly steps: Map<string, StepSpec>;
  readonly sinks: Map<string, SinkSpec>;
  readonly errors: CarillonError[] = [];
  readonly #steps: Origins;
  readonly #sinks: Origins;

  constructor() {
    this.steps = new Map(own.steps);
    this.sinks = new Map(own.sinks);
    this.#steps = new Map([...own.steps.keys()].map((type) => [type, null]));
    this.#sinks = new Map([...own.sinks.keys()].map((type) => [type, null]));
  }

  add(specs: readonly unknown[], file: string, code: string): void {
    for (const [n, spec] of specs.entries()) {
      const faults = faultsOf(spec);
      const { type } = (spec ?? {}) as { readonly type?: unknown };
      const named = typeof type === 'string' ? `"${type}"` : `number ${n + 1}`;
      const refuse = (error: 'CAR947' | 'CAR948', what: string) =>
        this.errors.push(new CarillonError(error, what, { where: { file } }));
      for (const fault of faults) refuse('CAR948', `of its specs ${named}: ${fault}`);
      if (faults.length > 0) continue;
      const taken = this.#takenBy(spec as StepSpec | SinkSpec);
      if (taken === undefined) this.#take(spec as StepSpec | SinkSpec, file, code);
      else refuse('CAR947', `${isStep(spec) ? 'step' : 'sink'} ${named} is ${taken} already.`);
    }
  }

  #takenBy(spec: StepSpec | SinkSpec): string | undefined {
    const from = (isStep(spec) ? this.#steps : this.#sinks).get(spec.type);
    if (from === undefined) return undefined;
    return from === null ? "one of Carillon's own" : `in ${from}`;
  }

  #take(spec: StepSpec | SinkSpec, file: string, code: string): void {
    const { type, version = `code ${code}` } = spec;
    (isStep(spec) ? this.#steps : this.#sinks).set(type, file);
    if (!('kind' in spec)) {
      this.sinks.set(type, { ...spec, version });
      return;
    }
    const drops = spec.kind === 'operator' ? { ...NOT_EMITTED, ...spec.drops } : spec.drops;
    this.steps.set(type, { ...spec, version, ...(drops === undefined ? {} : { drops }) });
  }
}
