/** The topology that runs, for when its file says something else by now. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Deployment } from '../deployment.ts';
import type { Running } from './running.ts';

const FILE = 'topology-that-ran.yaml';

let ownFolder: string | undefined;

/**
 * Written into the data folder: the engine's own thread reads it from there. On Kafka there is
 * none, and processes of one host are several: each has a folder of its own, which goes with it.
 */
export function formerOf(deployment: Deployment, { text }: Running): Deployment {
  const folder = deployment.log.kind === 'embedded' ? deployment.dataFolder : folderOfProcess();
  const topology = join(folder, FILE);
  writeFileSync(topology, text, { mode: 0o600 });
  return { ...deployment, topology };
}

function folderOfProcess(): string {
  if (ownFolder !== undefined) return ownFolder;
  const made = mkdtempSync(join(tmpdir(), 'carillon-'));
  process.once('exit', () => rmSync(made, { recursive: true, force: true }));
  ownFolder = made;
  return made;
}
