/**
 * The servers' programs, from Maven Central, kept in a folder of the user outside of the tree:
 * fetched once, used by all runs. The versions are pinned here and nowhere else.
 */
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { FileLock } from './file-lock.ts';
import { progress } from './progress.ts';

const run = promisify(execFile);

/** A slow line may take long for 230 MB; past this it is stuck. */
const FETCH_TIMEOUT_MS = 10 * 60_000;

export interface Program {
  readonly name: string;
  readonly version: string;
  readonly megabytes: number;
  /** `group:artifact:version`, with all that they need at run time. */
  readonly jars?: readonly string[];
  /** `group:artifact:version:type:classifier`, unpacked. */
  readonly archive?: string;
}

export const KAFKA: Program = {
  name: 'kafka',
  version: '4.3.1',
  megabytes: 56,
  jars: [
    'org.apache.kafka:kafka_2.13:4.3.1',
    'org.apache.kafka:kafka-tools:4.3.1',
    'org.apache.logging.log4j:log4j-slf4j-impl:2.25.1',
    'org.apache.logging.log4j:log4j-core:2.25.1',
  ],
};

/** 3.0.9 is the newest that runs on Java 17. */
export const REGISTRY: Program = {
  name: 'registry',
  version: '3.0.9',
  megabytes: 109,
  archive: 'io.apicurio:apicurio-registry-app:3.0.9:tar.gz:all',
};

export const CASSANDRA: Program = {
  name: 'cassandra',
  version: '5.0.9',
  megabytes: 69,
  jars: ['org.apache.cassandra:cassandra-all:5.0.9'],
};

export const PROGRAMS: readonly Program[] = [KAFKA, REGISTRY, CASSANDRA];

/** CARILLON_SERVERS_DIR, else `carillon` in the user's cache folder. Made if missing. */
export function cacheFolder(): string {
  const base = process.env.XDG_CACHE_HOME || join(homedir(), '.cache');
  const folder = process.env.CARILLON_SERVERS_DIR || join(base, 'carillon');
  mkdirSync(folder, { recursive: true });
  return folder;
}

function folderOf(program: Program): string {
  return join(cacheFolder(), `${program.name}-${program.version}`);
}

export function isFetched(program: Program): boolean {
  return existsSync(folderOf(program));
}

/**
 * The folder with the program's jars (`libs`) or unpacked archive; fetches it when it is missing.
 */
export async function fetchProgram(program: Program): Promise<string> {
  const folder = folderOf(program);
  if (existsSync(folder)) return folder;
  // One Maven at a time: its local repository is not made for several.
  const lock = await FileLock.take(join(cacheFolder(), 'maven.lock'), FETCH_TIMEOUT_MS);
  try {
    if (existsSync(folder)) return folder;
    const label = `${program.name} ${program.version}`;
    const startedAt = performance.now();
    progress(`${label}: fetching (${program.megabytes} MB, once) into ${folder}`);
    const unfinished = `${folder}.unfinished`;
    rmSync(unfinished, { recursive: true, force: true });
    mkdirSync(unfinished, { recursive: true });
    if (program.jars !== undefined) await copyJars(program.name, program.jars, unfinished);
    if (program.archive !== undefined) await unpack(program.archive, unfinished);
    renameSync(unfinished, folder);
    progress(`${label}: fetched`, startedAt);
    return folder;
  } finally {
    lock.release();
  }
}

async function copyJars(name: string, jars: readonly string[], folder: string): Promise<void> {
  const dependencies = jars.map((jar) => {
    const [group, artifact, version] = jar.split(':');
    return `<dependency><groupId>${group}</groupId><artifactId>${artifact}</artifactId><version>${version}</version></dependency>`;
  });
  writeFileSync(
    join(folder, 'pom.xml'),
    `<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
<groupId>carillon.test</groupId><artifactId>${name}</artifactId><version>1</version><packaging>pom</packaging>
<dependencies>
${dependencies.join('\n')}
</dependencies></project>
`,
  );
  await maven(
    [
      'dependency:copy-dependencies',
      `-DoutputDirectory=${join(folder, 'libs')}`,
      '-DincludeScope=runtime',
    ],
    folder,
  );
}

async function unpack(archive: string, folder: string): Promise<void> {
  const [, artifact, version, type, classifier] = archive.split(':');
  await maven(['dependency:copy', `-Dartifact=${archive}`, `-DoutputDirectory=${folder}`], folder);
  const file = join(folder, `${artifact}-${version}-${classifier}.${type}`);
  await run('tar', ['-xzf', file, '-C', folder], { timeout: FETCH_TIMEOUT_MS });
  rmSync(file);
}

async function maven(args: readonly string[], cwd: string): Promise<void> {
  try {
    await run('mvn', ['-q', '-B', ...args], { cwd, timeout: FETCH_TIMEOUT_MS });
  } catch (error) {
    const { stdout, stderr } = error as { stdout?: string; stderr?: string };
    const last = `${stdout ?? ''}${stderr ?? ''}`.trim().split('\n').slice(-15).join('\n');
    throw new Error(`Maven could not fetch (${args.join(' ')}):\n${last || String(error)}`);
  }
}
