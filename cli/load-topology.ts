/** From a topology file to a plan, as the deployment has it. */
import { relative, resolve } from 'node:path';
import { compile } from '../compiler/compile.ts';
import type { Plan } from '../compiler/plan.ts';
import type { Environment } from '../compiler/variables.ts';
import type { Diagnostic } from '../core/error.ts';
import { readSchemaFolder, type SchemaFolder } from '../schemas/folder.ts';
import { catalog } from './catalog.ts';
import type { Deployment } from './deployment.ts';
import { readText } from './read-text.ts';
import { FileErrors } from './show-error.ts';

export interface LoadedTopology {
  readonly plan: Plan;
  /** The file as it is written. */
  readonly text: string;
  readonly schemas: SchemaFolder;
  readonly warnings: readonly Diagnostic[];
}

/** As messages show a path: from the folder that one stands in, when it lies below. */
export function shownPath(path: string, folder: string): string {
  const from = relative(folder, path);
  return from === '' || from.startsWith('..') ? path : from;
}

/** Throws FileErrors with all that is wrong in the file, CAR902 when it cannot be read. */
export function loadTopology(
  deployment: Deployment,
  options: { folder: string; env: Environment; file?: string | undefined },
): LoadedTopology {
  const path =
    options.file === undefined ? deployment.topology : resolve(options.folder, options.file);
  const file = shownPath(path, options.folder);
  return compiledTopology(deployment, { file, text: readText(path, file), env: options.env });
}

/** As `loadTopology`, for a text that is at hand. */
export function compiledTopology(
  deployment: Pick<Deployment, 'schemas'>,
  options: { file: string; text: string; env: Environment },
): LoadedTopology {
  const { file, text } = options;
  const schemas = readSchemaFolder(...deployment.schemas);
  const { plan, diagnostics } = compile(text, { file, catalog, schemas, env: options.env });
  if (plan === undefined) throw new FileErrors(diagnostics, new Map([[file, text]]));
  return { plan, text, schemas, warnings: diagnostics };
}
