/** `carillon query`: what the steps of a topology keep, as it was committed last. */
import { countRows, readRows } from '../../runtime/edits/state-rows.ts';
import { type PlanStore, planStores } from '../../runtime/streams/plan-stores.ts';
import { readDeployment } from '../deployment.ts';
import { harmlessLine } from '../harmless.ts';
import { loadTopology } from '../load-topology.ts';
import { type LogReader, openLogReader } from '../log-reader.ts';
import type { RowsAsked } from '../query/asked-rows.ts';
import { type StoredRow, type StoredRows, storedRows } from '../query/stored-rows.ts';
import { storesAt } from '../query/stores-at.ts';
import { EXIT_OK } from '../show-error.ts';

export interface QueryOptions extends RowsAsked {
  readonly deployment?: string;
  readonly max: number;
  readonly format: 'pretty' | 'json';
}

/** Without a store it lists them all. Throws CAR925 for one that is not in the topology. */
export async function query(path: string | undefined, options: QueryOptions): Promise<number> {
  const folder = process.cwd();
  const deployment = readDeployment({
    file: options.deployment,
    folder,
    env: process.env,
  });
  const { plan } = await loadTopology(deployment, { folder, env: process.env });
  const stores = planStores(plan);
  const meant = path === undefined ? stores : storesAt(stores, path);
  const reader = await openLogReader(deployment);
  try {
    if (path === undefined) await list(reader, meant, options.format);
    else for (const store of meant) await show(reader, store, options);
  } finally {
    await reader.close();
  }
  return EXIT_OK;
}

async function list(
  reader: LogReader,
  stores: readonly PlanStore[],
  format: QueryOptions['format'],
): Promise<void> {
  for (const { path, priority, changelog } of stores) {
    const rows = countRows(await readRows(reader, changelog));
    const line =
      format === 'json'
        ? JSON.stringify({ store: path, priority, rows, changelog })
        : `${String(rows).padStart(9)}  ${path.padEnd(32)}  ${(priority ?? '').padEnd(10)}  ${changelog}`;
    process.stdout.write(`${line}\n`);
  }
  process.stderr.write(stores.length === 0 ? '# no step of this topology keeps anything\n' : '');
}

async function show(reader: LogReader, of: PlanStore, options: QueryOptions): Promise<void> {
  const found = await storedRows(reader, of, options, options.max);
  for (const row of found.rows) {
    const line = options.format === 'json' ? JSON.stringify(row) : prettyLine(row);
    process.stdout.write(`${harmlessLine(line)}\n`);
  }
  process.stderr.write(summary(of, found));
}

function prettyLine({ key, n, due, row }: StoredRow): string {
  const name = key === null ? '(all keys)' : typeof key === 'string' ? key : JSON.stringify(key);
  const place = n === undefined ? '' : `  #${n}`;
  const until = due === null ? '' : `  due ${new Date(due).toISOString()}`;
  return `${name}${place}${until}  ${JSON.stringify(row)}`;
}

function summary(of: PlanStore, { rows, matched, total }: StoredRows): string {
  const number = (count: number) => count.toLocaleString('en-US');
  const priority = of.priority === null ? '' : `, ${of.priority}`;
  const more = matched > rows.length ? `; ${number(matched)} match, --max shows more` : '';
  return `# ${of.path}${priority}: ${number(rows.length)} of ${number(total)} rows${more}\n`;
}
