/** Which way the servers can be started on this machine. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { isFetched, PROGRAMS } from './maven.ts';

const run = promisify(execFile);

export type Way = 'docker' | 'java';

const ASK_TIMEOUT_MS = 15_000;
const JAVA_LEAST = 17;

interface Found {
  readonly docker: string | undefined;
  readonly java: string | undefined;
}

let asked: Promise<Found> | undefined;

/** What keeps each way from being used; undefined: nothing. Asked once a process. */
function ask(): Promise<Found> {
  asked ??= Promise.all([whyNoDocker(), whyNoJava()]).then(([docker, java]) => ({ docker, java }));
  return asked;
}

/**
 * `docker` when a container engine answers, else `java`; CARILLON_SERVERS=docker|java chooses.
 * Throws with what is missing when there is neither.
 */
export async function findWay({ javaOnly = false } = {}): Promise<Way> {
  const chosen = process.env.CARILLON_SERVERS;
  const found = await ask();
  if (!javaOnly && chosen !== 'java' && found.docker === undefined) return 'docker';
  if (chosen !== 'docker' && found.java === undefined) return 'java';
  throw new Error(reasonOf(found));
}

/** Why no servers can be started here, with what to install; undefined when they can. */
export async function unavailableReason(): Promise<string | undefined> {
  const found = await ask();
  const chosen = process.env.CARILLON_SERVERS;
  if (chosen !== 'java' && found.docker === undefined) return undefined;
  if (chosen !== 'docker' && found.java === undefined) return undefined;
  return reasonOf(found);
}

function reasonOf(found: Found): string {
  return (
    `no servers can be started here: ${found.docker ?? 'docker is not chosen'}; ` +
    `${found.java ?? 'java is not chosen'}. ` +
    'Mend: start a container engine, or install Java 17 and Maven (Debian: apt-get install ' +
    'openjdk-17-jre-headless maven).'
  );
}

/** A docker client without an engine behind it is common: the engine is asked, not the path. */
async function whyNoDocker(): Promise<string | undefined> {
  if (process.env.CARILLON_SERVERS === 'java') return 'CARILLON_SERVERS=java';
  try {
    await run('docker', ['info', '--format', '{{.ServerVersion}}'], { timeout: ASK_TIMEOUT_MS });
    await run('docker', ['compose', 'version'], { timeout: ASK_TIMEOUT_MS });
    return undefined;
  } catch {
    return 'no container engine answers (docker info, docker compose version)';
  }
}

async function whyNoJava(): Promise<string | undefined> {
  if (process.env.CARILLON_SERVERS === 'docker') return 'CARILLON_SERVERS=docker';
  if (process.platform === 'win32') return 'the way by Java needs a POSIX shell';
  let version: number;
  try {
    const { stderr, stdout } = await run('java', ['-version'], { timeout: ASK_TIMEOUT_MS });
    version = Number(/version "(\d+)/.exec(stderr + stdout)?.[1]);
  } catch {
    return 'java is not installed';
  }
  if (!(version >= JAVA_LEAST)) return `java is version ${version}, ${JAVA_LEAST} is needed`;
  if (PROGRAMS.every(isFetched)) return undefined;
  try {
    await run('mvn', ['-v'], { timeout: ASK_TIMEOUT_MS });
    return undefined;
  } catch {
    return 'Maven (mvn) is not installed, and the servers have not been fetched before';
  }
}
