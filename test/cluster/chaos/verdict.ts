/** What stands in the lanes, read committed, beside what should. */
import avsc from 'avsc';
import type { Log } from '../../../core/log.ts';
import { readSchemaFolder } from '../../../schemas/folder.ts';
import { Expected } from '../expected.ts';
import type { ProducedRun } from '../produced-events.ts';
import { LANES } from './arena.ts';
import { MEMBERS } from './load.ts';

const HEADER_BYTES = 5;
const SCHEMAS = new URL('../../../schemas', import.meta.url).pathname;
const FAULTS_MAX = 20;

interface Told {
  readonly id: string;
  readonly deviceId: string;
  readonly epoch: number;
  readonly sequence: number;
  readonly previous: number;
  readonly priority: string;
}

export interface Verdict {
  readonly expected: number;
  readonly found: number;
  /** In words, the first ones. */
  readonly faults: readonly string[];
}

/** Every notification once, in order, numbers dense from 1; none that should not be there. */
export async function judge(log: Log, run: ProducedRun): Promise<Verdict> {
  const expected = new Expected(MEMBERS).add({ run, fate: 'told' });
  const faults: string[] = [];
  const blame = (what: string) => {
    if (faults.length < FAULTS_MAX) faults.push(what);
  };
  const found = new Map<string, Told[]>();
  let count = 0;
  for (const lane of LANES) {
    for await (const one of toldIn(log, lane)) {
      count++;
      const key = `${one.deviceId}/${one.priority === 'critical' ? 0 : 2}`;
      const list = found.get(key) ?? [];
      found.set(key, list);
      if (one.epoch !== 1) blame(`${key}: epoch ${one.epoch}`);
      if (one.sequence !== list.length + 1) {
        blame(`${key}: number ${one.sequence} where ${list.length + 1} comes next`);
      }
      if (one.previous !== list.length) blame(`${key}: ${one.sequence} names ${one.previous}`);
      list.push(one);
    }
  }
  for (const [key, ids] of expected.rows) {
    const has = (found.get(key) ?? []).map((one) => one.id);
    const missing = ids.filter((id) => !has.includes(id)).length;
    const surplus = has.filter((id) => !ids.includes(id)).length;
    const doubled = has.length - new Set(has).size;
    if (missing + surplus + doubled > 0) {
      blame(`${key}: ${missing} missing, ${surplus} surplus, ${doubled} doubled`);
    } else if (!ids.every((id, at) => id === has[at])) blame(`${key}: another order`);
  }
  for (const key of found.keys()) if (!expected.rows.has(key)) blame(`${key}: nobody's`);
  if (count !== expected.count) blame(`${count} records where ${expected.count} should be`);
  return { expected: expected.count, found: count, faults };
}

async function* toldIn(log: Log, lane: string): AsyncGenerator<Told> {
  const type = avsc.Type.forSchema(readSchemaFolder(SCHEMAS).get('DeviceNotification') as never);
  for await (const records of log.read(lane, { from: 'start', follow: false })) {
    for (const { valueBytes } of records) {
      yield type.fromBuffer(valueBytes!.subarray(HEADER_BYTES)) as Told;
    }
  }
}
