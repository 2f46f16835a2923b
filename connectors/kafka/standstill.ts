/**
 * Notices that nothing is read of a partition though there is something: kafkajs' fetchers were
 * seen to stop after a broker was lost, without an error. Its consumer is then replaced, once for
 * each place where it stands: where a new one gets no further, nothing is there to read (records
 * that were compacted away whole).
 */
export interface Reading {
  readonly topic: string;
  readonly partition: number;
  readonly position: number;
}

interface Place {
  position: number;
  sinceMs: number;
  /** The end for which a replacement was asked at this position. */
  triedEnd: number;
}

export class Standstill {
  readonly #afterMs: number;
  readonly #places = new Map<string, Place>();

  constructor(afterMs: number) {
    this.#afterMs = afterMs;
  }

  /** Of what is read now, what has not moved for so long that its end is worth asking for. */
  suspects(readings: readonly Reading[], nowMs: number): readonly Reading[] {
    const seen = new Set<string>();
    const suspects = readings.filter((reading) => {
      const key = keyOf(reading);
      seen.add(key);
      const place = this.#places.get(key);
      if (place?.position === reading.position) return nowMs - place.sinceMs >= this.#afterMs;
      this.#places.set(key, { position: reading.position, sinceMs: nowMs, triedEnd: -1 });
      return false;
    });
    // What is paused, or another's, begins anew when it is read again.
    for (const key of this.#places.keys()) if (!seen.has(key)) this.#places.delete(key);
    return suspects;
  }

  /** A new generation: everything has as long again, what was tried stays tried. */
  restart(nowMs: number): void {
    for (const place of this.#places.values()) place.sinceMs = nowMs;
  }

  /** Given its end: true when it stands still and nothing was done for that yet. */
  stands(reading: Reading, end: number, nowMs: number): boolean {
    const place = this.#places.get(keyOf(reading));
    if (place === undefined || place.position !== reading.position) return false;
    if (end <= reading.position || place.triedEnd === end) return false;
    place.triedEnd = end;
    // A replacement takes its time.
    place.sinceMs = nowMs;
    return true;
  }
}

function keyOf({ topic, partition }: Reading): string {
  return `${topic}/${partition}`;
}
