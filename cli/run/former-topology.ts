/** The topology that runs, for when its file says something else by now. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Deployment } from '../deployment.ts';
import type { Running } from './running.ts';

const FILE = 'topology-that-ran.yaml';

/** Written into the data folder: the engine's own thread reads it from there. */
export function formerOf(deployment: Deployment, { text }: Running): Deployment {
  const topology = join(deployment.dataFolder, FILE);
  writeFileSync(topology, text, { mode: 0o600 });
  return { ...deployment, topology };
}
