/** Zuul Push (bench/peer-zuul), built when it is not, as a server of the devices' benchmark. */
import { execFile, spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { JavaBuild } from '../../test/kit/servers/java-build.ts';
import { tell } from './parent.ts';
import type { ToServer } from './talk.ts';

const connections = Number(process.argv[2]);
/** It would take three messages of a connection in two seconds, and no more. */
const UNLIMITED = [
  '-Dzuul.push.tokenBucket.rate=1000000',
  '-Dzuul.push.tokenBucket.window.millis=1',
];

const build = new JavaBuild('Zuul Push', join(import.meta.dirname, '../peer-zuul'));
await build.make();
const java = spawn(
  'java',
  ['-Xmx1g', '-XX:+UseSerialGC', ...UNLIMITED, '-cp', build.classPath, 'carillon.zuul.PushServer'],
  { stdio: ['pipe', 'pipe', 'inherit'] },
);
createInterface(java.stdout).once('line', (line) => {
  const [devices, pushes, path] = line.split(' ');
  const url = `ws://127.0.0.1:${devices}${path}`;
  const urls = Array.from({ length: connections }, () => url);
  tell({ is: 'ready', urls, pushUrl: `http://127.0.0.1:${pushes}/push`, pid: java.pid! });
});
java.once('exit', () => process.exit(1));
process.on('message', (message: ToServer) => {
  if (message.do === 'gc') {
    const done = () => tell({ is: 'collected', heap: Number.NaN });
    execFile('jcmd', [String(java.pid), 'GC.run'], done);
  } else tell({ is: 'delay', ms: Number.NaN });
});
process.on('disconnect', () => java.kill());
