/** Who may import whom: the table of the design, one line a folder. Imports run downhill only. */
import type { Import } from './imports.ts';
import { isTest } from './tree.ts';

export interface Floor {
  /** Folders of ours, beside the folder itself. */
  readonly ours: readonly string[];
  /** Folders of ours of which only types may be imported. */
  readonly types?: readonly string[];
  /** Packages from npm. */
  readonly npm: readonly string[];
  /** Packages of which only types may be imported. */
  readonly npmTypes?: readonly string[];
}

const ALL = [
  'core',
  'schemas',
  'processors',
  'connectors',
  'compiler',
  'runtime',
  'gateway',
  'client',
  'cli',
] as const;

/** The longest prefix of a path decides. `*`: any package. */
export const FLOORS: { readonly [folder: string]: Floor } = {
  core: { ours: [], npm: [], npmTypes: ['rxjs'] },
  schemas: { ours: ['core'], npm: ['avsc', '@kafkajs/confluent-schema-registry'] },
  processors: { ours: ['core'], npm: ['rxjs'] },
  // The catalog, and what several connectors share (stand-ins, HTTP/2 sessions).
  connectors: { ours: ['core', 'schemas'], npm: [] },
  'connectors/kafka': {
    ours: ['core', 'schemas', 'connectors'],
    npm: ['kafkajs', '@platformatic/kafka', '@node-rs/crc32'],
  },
  'connectors/memory': { ours: ['core'], npm: [] },
  'connectors/embedded': { ours: ['core', 'schemas', 'connectors'], npm: [] },
  'connectors/cassandra': { ours: ['core', 'schemas', 'connectors'], npm: ['cassandra-driver'] },
  'connectors/websocket': { ours: ['core', 'schemas', 'connectors'], npm: [] },
  'connectors/inbox': { ours: ['core', 'schemas', 'connectors'], npm: [] },
  'connectors/webhook': { ours: ['core', 'schemas', 'connectors'], npm: [] },
  'connectors/fcm': { ours: ['core', 'schemas', 'connectors'], npm: ['firebase-admin'] },
  'connectors/apns': { ours: ['core', 'schemas', 'connectors'], npm: ['jose'] },
  compiler: {
    ours: ['core'],
    types: ['schemas'],
    npm: ['yaml', 'ajv', 'typebox', '@marcbachmann/cel-js', 'croner'],
  },
  runtime: { ours: ['core', 'compiler'], npm: ['rxjs', 'pino', 'prom-client'] },
  gateway: {
    ours: ['core', 'schemas', 'connectors'],
    npm: ['ws', 'fastify', 'jose'],
  },
  // It runs on devices: nothing comes with it.
  client: { ours: [], types: ['schemas'], npm: [] },
  // What it answers the page is typed by the page.
  cli: { ours: ALL, types: ['console'], npm: ['commander', 'pino', 'prom-client', 'yaml'] },
  // The web page: runs in a browser, as it is.
  console: { ours: [], npm: [] },
  bench: { ours: [...ALL, 'test'], npm: ['*'] },
  test: { ours: ALL, npm: ['*'] },
};

/** `connectors/kafka` for `connectors/kafka/client.ts`; undefined outside all floors. */
export function floorOf(path: string): string | undefined {
  const parts = path.split('/').slice(0, -1);
  for (let size = parts.length; size > 0; size--) {
    const folder = parts.slice(0, size).join('/');
    if (Object.hasOwn(FLOORS, folder)) return folder;
  }
  return undefined;
}

const isFake = (path: string) => /^connectors\/(?:.*\/)?(?:fake|stand-in)[^/]*\.ts$/.test(path);

/** Why an import is not allowed; undefined: it is. */
export function faultOf(path: string, of: Import): string | undefined {
  const folder = floorOf(path);
  if (folder === undefined) return `${path} lies in no folder of the floor plan`;
  // A test may use anything but another folder's tests; what it tests is held to the plan.
  if (isTest(path))
    return of.file !== null && isTest(of.file) ? 'a test imports a test' : undefined;
  const floor = FLOORS[folder]!;
  if (of.npm !== null) return npmFault(folder, floor, of);
  if (of.file === null) return undefined;
  if (isTest(of.file)) return 'only the runner reads a test file';
  if (isFake(of.file) && !isFake(path) && !mayFake(folder)) {
    return 'a connector never imports a fake; tests and the cli do';
  }
  return ourFault(folder, floor, of);
}

const mayFake = (folder: string) => ['cli', 'test', 'bench'].includes(folder);

function ourFault(folder: string, floor: Floor, of: Import): string | undefined {
  const other = floorOf(of.file!);
  if (other === folder) return undefined;
  // Schemas' and topologies' own files, README and package.json are data.
  if (other === undefined) return of.file!.endsWith('.ts') ? `${of.file} lies nowhere` : undefined;
  if (folder === 'connectors' && other.startsWith('connectors/')) return undefined;
  if (floor.ours.includes(other)) return undefined;
  // From outside, a connector's folder is as good as the catalog for those who may import it.
  if (other.startsWith('connectors/') && !folder.startsWith('connectors/')) {
    if (mayFake(folder)) return undefined;
    return `${folder} imports connectors through connectors/index.ts only, or is handed them`;
  }
  if (of.isType && floor.types?.includes(other)) return undefined;
  const allowed = [...floor.ours, ...(floor.types ?? []).map((name) => `types of ${name}`)];
  return `${folder} may import ${allowed.join(', ') || 'nothing of ours'}; not ${other}`;
}

function npmFault(folder: string, floor: Floor, of: Import): string | undefined {
  if (floor.npm.includes('*') || floor.npm.includes(of.npm!)) return undefined;
  if (of.isType && floor.npmTypes?.includes(of.npm!)) return undefined;
  const home = Object.entries(FLOORS).filter(([, { npm }]) => npm.includes(of.npm!));
  const where = home.map(([name]) => name).join(', ');
  return `${of.npm} is not for ${folder}${where === '' ? '' : `; it lives in ${where}`}`;
}
