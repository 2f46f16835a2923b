/** From a topology file to a plan, as the deployment has it. */
import { relative, resolve } from 'node:path';
import { compile } from '../compiler/compile.ts';
import type { Plan } from '../compiler/plan.ts';
import type { Environment } from '../compiler/variables.ts';
import { CarillonError, type Diagnostic } from '../core/error.ts';
import { nearest } from '../core/nearest.ts';
import type { Catalog } from '../core/spec.ts';
import { readSchemaFolder, type SchemaFolder } from '../schemas/folder.ts';
import type { Deployment } from './deployment.ts';
import { catalogWith } from './modules/load-modules.ts';
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

/**
 * Rejects with FileErrors of all that is wrong in the file, CAR902 when it cannot be read, and with
 * CarillonErrors of modules of one's own.
 */
export async function loadTopology(
  deployment: Deployment,
  options: { folder: string; env: Environment; file?: string | undefined },
): Promise<LoadedTopology> {
  const path =
    options.file === undefined ? deployment.topology : resolve(options.folder, options.file);
  const file = shownPath(path, options.folder);
  const text = readText(path, file);
  return compiledTopology(deployment, { file, text, env: options.env, folder: options.folder });
}

/** Settings of a sink that is none, now that those of one's own are known. */
function refuseSettings(connectors: Deployment['connectors'], { sinks }: Catalog): void {
  const unknown = Object.keys(connectors).find((type) => !sinks.has(type));
  if (unknown === undefined) return;
  const near = nearest(unknown, sinks.keys());
  throw new CarillonError('CAR903', `there is no sink "${unknown}" to have settings.`, {
    where: { at: `connectors.${unknown}` },
    ...(near === undefined ? {} : { mend: `did you mean "${near}"?` }),
  });
}

/** As `loadTopology`, for a text that is at hand. */
export async function compiledTopology(
  deployment: Pick<Deployment, 'schemas' | 'processors'> & Partial<Pick<Deployment, 'connectors'>>,
  options: { file: string; text: string; env: Environment; folder: string },
): Promise<LoadedTopology> {
  const { file, text } = options;
  const catalog = await catalogWith(deployment.processors, options.folder);
  refuseSettings(deployment.connectors ?? {}, catalog);
  const folder = readSchemaFolder(...deployment.schemas);
  const compiled = compile(text, { file, catalog, schemas: folder, env: options.env });
  const { plan, diagnostics, schemas } = compiled;
  if (plan === undefined) throw new FileErrors(diagnostics, new Map([[file, text]]));
  return { plan, text, schemas, warnings: diagnostics };
}
