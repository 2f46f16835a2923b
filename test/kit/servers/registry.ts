/** A Confluent-compatible schema registry (Apicurio) from its archive. */
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ServerChild } from './child.ts';
import { fetchProgram, REGISTRY } from './maven.ts';
import { leasePorts } from './ports.ts';
import { progress } from './progress.ts';

const READY_TIMEOUT_MS = 90_000;

export interface RegistryServer {
  /** The base URL for clients of Confluent's API. */
  readonly url: string;
  /** kill -9. What was registered stays. */
  kill(): Promise<void>;
  restart(): Promise<void>;
  pause(): Promise<void>;
  resume(): Promise<void>;
  stop(): Promise<void>;
}

export async function startRegistryByJava(): Promise<RegistryServer> {
  const home = await fetchProgram(REGISTRY);
  const startedAt = performance.now();
  const jar = readdirSync(home).find((file) => file.endsWith('-runner.jar'));
  if (jar === undefined) throw new Error(`no runner jar in ${home}; remove that folder`);
  const dir = mkdtempSync(join(tmpdir(), 'carillon-registry-'));
  const [lease] = await leasePorts(1);
  const { port } = lease!;
  const url = `http://127.0.0.1:${port}/apis/ccompat/v7`;
  const args = [
    ...['-Xms64m', '-Xmx384m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1'],
    ...['-Dquarkus.http.host=127.0.0.1', `-Dquarkus.http.port=${port}`],
    ...['-Dapicurio.storage.kind=sql', '-Dapicurio.storage.sql.kind=h2'],
    // In a file and not in memory, so that the schemas outlive a kill.
    `-Dapicurio.datasource.url=jdbc:h2:file:${join(dir, 'registry')}`,
    '-Dapicurio.rest.deletion.artifact.enabled=true',
    ...['-jar', join(home, jar)],
  ];
  let child: ServerChild | undefined;
  const start = async () => {
    child = new ServerChild({ name: 'registry', command: 'java', args, dir, ownsDir: true });
    await child.waitFor(`GET ${url}/subjects`, READY_TIMEOUT_MS, async () => {
      const answer = await fetch(`${url}/subjects`, { signal: AbortSignal.timeout(2_000) });
      await answer.text();
      return answer.status === 200;
    });
  };
  const stop = async () => {
    await child?.kill();
    if (existsSync(dir)) rmSync(dir, { recursive: true, force: true });
    lease!.release();
  };
  try {
    await start();
  } catch (error) {
    await stop();
    throw error;
  }
  progress(`registry ${REGISTRY.version}: ready at ${url}`, startedAt);
  return {
    url,
    kill: async () => child?.kill(),
    restart: async () => {
      await child?.kill();
      await start();
    },
    pause: async () => child?.pause(),
    resume: async () => child?.signal('SIGCONT'),
    stop,
  };
}
