/** Kafka's own Java clients, from the broker's jars: what they write we read, and the other way. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fetchProgram, KAFKA } from '../kit/servers/maven.ts';
import { findWay } from '../kit/servers/way.ts';

const JVM = ['-Xms32m', '-Xmx128m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1'];

/** Why they cannot be run here; false: they can. */
export async function javaSkip(): Promise<string | false> {
  try {
    await findWay({ javaOnly: true });
    return false;
  } catch (error) {
    return (error as Error).message;
  }
}

export async function java(main: string, args: readonly string[], input: string): Promise<string> {
  const libs = join(await fetchProgram(KAFKA), 'libs', '*');
  const child = spawn('java', [...JVM, '-cp', libs, main, ...args], { timeout: 60_000 });
  child.stdin.end(input);
  const [out, err] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close'),
  ]);
  if (child.exitCode !== 0) throw new Error(`${main} ended with ${child.exitCode}: ${err}`);
  return out;
}

/** Lines of `header:value<TAB>key<TAB>value`; NULL stands for null. */
export async function javaProduce(
  brokers: readonly string[],
  topic: string,
  codec: string,
  lines: readonly string[],
): Promise<void> {
  const reading = ['parse.headers=true', 'parse.key=true', 'null.marker=NULL'];
  await java(
    'org.apache.kafka.tools.ConsoleProducer',
    [
      ...['--bootstrap-server', brokers.join(','), '--topic', topic, '--compression-codec', codec],
      ...reading.flatMap((one) => ['--reader-property', one]),
    ],
    lines.map((line) => `${line}\n`).join(''),
  );
}

/** The same lines, of committed records only, in the order of one partition. */
export async function javaConsume(
  brokers: readonly string[],
  topic: string,
  count: number,
): Promise<string[]> {
  const printing = ['print.headers=true', 'print.key=true', 'null.literal=NULL'];
  const out = await java(
    'org.apache.kafka.tools.consumer.ConsoleConsumer',
    [
      ...['--bootstrap-server', brokers.join(','), '--topic', topic, '--from-beginning'],
      ...['--isolation-level', 'read_committed', '--max-messages', String(count)],
      ...['--timeout-ms', '30000'],
      ...printing.flatMap((one) => ['--formatter-property', one]),
    ],
    '',
  );
  return out.split('\n').filter((line) => line !== '');
}
