/** The Java peer: how it is built, and how its programs are called. */
import { JavaBuild } from '../../test/kit/servers/java-build.ts';

const PEER = new JavaBuild('the Kafka Streams peer', import.meta.dirname);

/** The class path of the peer's programs (`carillon.peer.…`). */
export const CLASS_PATH = PEER.classPath;

/** A short program of the peer says only what is wrong, on standard error. */
export function javaArguments(program: string, ...args: readonly string[]): string[] {
  const quiet = '-Dorg.slf4j.simpleLogger.defaultLogLevel=error';
  return [quiet, '-Xmx1g', '-cp', CLASS_PATH, `carillon.peer.${program}`, ...args];
}

export const buildPeer = (): Promise<void> => PEER.make();
