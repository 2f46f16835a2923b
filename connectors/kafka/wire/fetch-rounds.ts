/**
 * Which partitions each request to one broker carries. A broker holds a request until one of its
 * partitions has something, so there are two at a time:
 *
 *   long    all that is wanted: it may be held for as long as nothing arrives
 *   short   what is wanted now and the long one does not carry (a partition that was full and has
 *           room again): it is held for a moment only, until the long one can take it along
 *
 * A pipeline with nothing to do so costs a request or two a second, and no partition waits for it.
 */
import type { WantedPartition } from './fetch-request.ts';
import { partitionKey } from './partition-key.ts';

export type RoundKind = 'long' | 'short';

export interface Round {
  readonly kind: RoundKind;
  readonly wanted: readonly WantedPartition[];
}

export class FetchRounds {
  /** Offsets that are asked for, by partition. */
  readonly #underWay = new Map<RoundKind, Map<string, number>>();
  /** Partitions whose last answer brought nothing. */
  readonly #atEnd = new Set<string>();

  /** The requests to send now: none, one or both. Each is under way until `end`. */
  begin(wanted: readonly WantedPartition[]): Round[] {
    const rounds: Round[] = [];
    if (!this.#underWay.has('long')) {
      const short = this.#underWay.get('short');
      // What stands at its end moves over from a short one; what has more comes there any moment.
      const taken = wanted.filter(
        (one) => !this.#has('short', one) || this.#atEnd.has(partitionKey(one)),
      );
      for (const one of taken) short?.delete(partitionKey(one));
      this.#begin('long', taken, rounds);
    }
    if (!this.#underWay.has('short')) {
      const left = wanted.filter((one) => !this.#has('long', one));
      this.#begin('short', left, rounds);
    }
    return rounds;
  }

  /** The answer is this request's to give: its partition has not moved over to another one. */
  owns({ kind }: Round, one: WantedPartition): boolean {
    return this.#has(kind, one);
  }

  /** An answer for a partition came, with records or without. */
  answered(one: WantedPartition, isEmpty: boolean): void {
    if (isEmpty) this.#atEnd.add(partitionKey(one));
    else this.#atEnd.delete(partitionKey(one));
  }

  /** The request has ended, answered or not. */
  end({ kind }: Round): void {
    this.#underWay.delete(kind);
  }

  #begin(kind: RoundKind, wanted: readonly WantedPartition[], rounds: Round[]): void {
    if (wanted.length === 0) return;
    this.#underWay.set(kind, new Map(wanted.map((one) => [partitionKey(one), one.offset])));
    rounds.push({ kind, wanted });
  }

  #has(kind: RoundKind, one: WantedPartition): boolean {
    return this.#underWay.get(kind)?.get(partitionKey(one)) === one.offset;
  }
}
