/**
 * Free ports on 127.0.0.1 that stay ours while their server is killed and started again, also when
 * several test runs share a machine: a port is taken by a lock file with the owner's pid, and from
 * below the range that the kernel gives to outgoing connections (32768 up).
 */
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { FileLock } from './file-lock.ts';

const LOWEST = 21_000;
const HIGHEST = 31_999;
const TRIES_MAX = 200;

export interface PortLease {
  readonly port: number;
  release(): void;
}

/** Takes `count` ports, at most 32. Throws when the range is full. */
export async function leasePorts(count: number): Promise<PortLease[]> {
  const folder = join(tmpdir(), `carillon-ports-${userInfo().username}`);
  mkdirSync(folder, { recursive: true });
  const leases: PortLease[] = [];
  for (let n = 0; n < TRIES_MAX && leases.length < count; n += 1) {
    const port = LOWEST + Math.floor(Math.random() * (HIGHEST - LOWEST + 1));
    const lock = FileLock.tryTake(join(folder, String(port)));
    if (lock === undefined) continue;
    if (await isFree(port)) leases.push({ port, release: () => lock.release() });
    else lock.release();
  }
  if (leases.length < count) throw new Error(`no ${count} free ports in ${LOWEST}..${HIGHEST}`);
  return leases;
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  server.listen(port, '127.0.0.1');
  try {
    await once(server, 'listening');
  } catch {
    return false;
  }
  server.close();
  await once(server, 'close');
  return true;
}
