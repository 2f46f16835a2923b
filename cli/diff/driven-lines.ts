/**
 * What a run of the driver told, by what can be compared with another run: notifications by sink
 * and id, outcomes by device and notification, records of outputs and dead letters by key, drops by
 * reason, the sums.
 */
import { CarillonError } from '../../core/error.ts';

export type Json = { readonly [field: string]: unknown };

export interface Told {
  /** Compared one by one; a second one of the same name has `#2` at its end. */
  readonly named: ReadonlyMap<string, Json>;
  /** Names in the order in which they came, by sink and device, or topic and key. */
  readonly orders: ReadonlyMap<string, readonly string[]>;
  /** How many were dropped, by stream, step and reason; and the sums of the last line. */
  readonly counts: ReadonlyMap<string, number>;
}

/** Inside of the engine: what they hold is seen in what comes out. */
const INTERNAL = /-(?:changelog|repartition|journal)$/;

class Telling implements Told {
  readonly named = new Map<string, Json>();
  readonly orders = new Map<string, string[]>();
  readonly counts = new Map<string, number>();

  add(line: Json): boolean {
    if (typeof line.sink === 'string') {
      this.#name(`${line.sink} ${line.key}`, `${line.id}`, line);
    } else if (typeof line.topic === 'string') {
      if (!INTERNAL.test(line.topic) && !isLaneRecord(line)) {
        this.#name(`${line.topic} ${line.key ?? 'null'}`, notificationOf(line), line);
      }
    } else if (isObject(line.drop)) {
      const { stream, step, reason, count = 1 } = line.drop;
      this.#count(`dropped ${stream}/${step} ${reason}`, Number(count));
    } else if (isObject(line.end)) {
      for (const sum of ['in', 'passed', 'dead_letters', 'held']) {
        this.#count(`end ${sum}`, Number(line.end[sum]));
      }
    } else {
      return typeof line.store === 'string';
    }
    return true;
  }

  #name(place: string, id: string, line: Json): void {
    const name = id === '' ? place : `${place} ${id}`;
    let unique = name;
    for (let n = 2; this.named.has(unique); n++) unique = `${name} #${n}`;
    this.named.set(unique, line);
    this.orders.set(place, [...(this.orders.get(place) ?? []), unique]);
  }

  #count(name: string, by: number): void {
    this.counts.set(name, (this.counts.get(name) ?? 0) + by);
  }
}

/** Throws CAR924 with the line that is none of the driver's. */
export function readTold(text: string, file: string): Told {
  const telling = new Telling();
  for (const [n, words] of text.split('\n').entries()) {
    if (words.trim() === '') continue;
    const line = parsed(words);
    if (line === undefined || !telling.add(line)) {
      throw new CarillonError('CAR924', 'it is not a line that carillon drive prints.', {
        where: { file, line: n + 1 },
      });
    }
  }
  return telling;
}

function parsed(words: string): Json | undefined {
  try {
    const json: unknown = JSON.parse(words);
    return isObject(json) ? json : undefined;
  } catch {
    return undefined;
  }
}

/** Of an outcome: a device has one for each of its notifications; by key alone they would mix. */
function notificationOf({ value }: Json): string {
  return isObject(value) && typeof value.notificationId === 'string' ? value.notificationId : '';
}

/** A notification on its way: what its sink was given says the same. */
function isLaneRecord({ value }: Json): boolean {
  return isObject(value) && 'payloadSchemaId' in value && 'deviceId' in value;
}

export function isObject(json: unknown): json is Json {
  return typeof json === 'object' && json !== null && !Array.isArray(json);
}
