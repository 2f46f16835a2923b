/**
 * Records what Kafka's own classes make of the messages: `node
 * test/golden/kafka-messages/record.ts`. Needs Java; the test does not.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { java } from '../../cluster/java-clients.ts';
import { lines } from './rows.ts';

const all = [...lines()].map(({ line }) => line);
const out = await java(join(import.meta.dirname, 'Messages.java'), [], `${all.join('\n')}\n`);
const hex = out.trimEnd().split('\n');
if (hex.length !== all.length) throw new Error(`${all.length} messages, ${hex.length} answers`);
const bytes = Object.fromEntries(all.map((line, i) => [line, hex[i]]));
writeFileSync(join(import.meta.dirname, 'bytes.json'), `${JSON.stringify(bytes, null, 1)}\n`);
process.stdout.write(`${all.length} messages are recorded\n`);
