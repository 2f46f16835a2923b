/**
 * A node of a stream's graph: source, step, writer, delivery. Here, and nowhere else, a record's
 * verdict settles: it is counted, a drop is named to who listens, a dead letter is written. When
 * nobody listens that costs nothing.
 */
import type { Record } from '../core/record.ts';
import { conservationGap, newStepCounts, type StepCounts, type Verdict } from '../core/verdict.ts';
import type { DeadLetter } from './dead-letters.ts';

/** A record that was dropped, as tools are told of it; offset -1: which one is not known. */
export interface DroppedRecord {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
}

/** What a node tells its task. */
export interface NodeHost {
  deadLetter(record: Record, letter: DeadLetter): void;
  /** For tools that name every drop. */
  onDrop?:
    | ((record: DroppedRecord, stream: string, step: string, reason: string, by: number) => void)
    | undefined;
}

/** Why a record is refused: a code of the table (CAR5xx) and a reason in words. */
export interface Refusal {
  readonly code: string;
  readonly why: string;
}

/** The value of a record that a step asked for cannot be decoded; the record is at fault. */
export class UndecodableError extends Error {}

/** A step of one's own did what no step may do with a record; the code says what. */
export class StepFault extends Error {
  readonly code: 'CAR675' | 'CAR676';

  constructor(code: StepFault['code'], why: string) {
    super(why);
    this.code = code;
  }
}

export class Node {
  readonly stream: string;
  readonly name: string;
  readonly counts: StepCounts = newStepCounts();
  readonly #host: NodeHost;

  constructor(stream: string, name: string, host: NodeHost) {
    this.stream = stream;
    this.name = name;
    this.#host = host;
  }

  /** Settles one record that does not simply pass. */
  settle(verdict: Verdict, record: Record): void {
    const { counts } = this;
    switch (verdict.kind) {
      case 'passed':
        counts.passed++;
        return;
      case 'held':
        counts.held++;
        return;
      case 'dropped':
        this.drop(verdict.reason, record);
        return;
      case 'dead-lettered':
        this.refuse(record, { code: verdict.reason, why: 'refused by the step' });
    }
  }

  drop(reason: string, record: DroppedRecord, by = 1): void {
    bump(this.counts.dropped, reason, by);
    this.#host.onDrop?.(record, this.stream, this.name, reason, by);
  }

  /** Counts a record that is another priority's: it is not lost here, so nobody is told. */
  passBy(): void {
    bump(this.counts.dropped, 'other_priority');
  }

  refuse(record: Record, { code, why }: Refusal): void {
    bump(this.counts.deadLettered, code);
    this.#host.deadLetter(record, { code, why, stream: this.stream, step: this.name });
  }

  /** A step threw on a record: the record is at fault, not the task. */
  failed(record: Record, error: unknown): void {
    const why = error instanceof Error ? error.message : String(error);
    this.refuse(record, { code: codeOf(error), why });
  }

  /** As `failed`, for a record that was held. */
  failedHeld(record: Record, error: unknown): void {
    this.counts.held--;
    this.failed(record, error);
  }

  /** Settles records that were held. */
  release(verdict: Verdict, by: number, record: DroppedRecord): void {
    this.mayRelease(verdict);
    this.counts.held -= by;
    if (verdict.kind === 'passed') this.counts.passed += by;
    else this.drop(verdict.reason, record, by);
  }

  /** Throws for a verdict that `release` does not take. */
  mayRelease({ kind }: Verdict): void {
    if (kind === 'passed' || kind === 'dropped') return;
    throw new Error(`${this.name}: what was held may be passed or dropped`);
  }

  count(name: string, by = 1): void {
    bump(this.counts.counted, name, by);
  }

  /** Records that its verdicts have lost, or made up; 0 when the law of conservation holds. */
  gap(): number {
    return conservationGap(this.counts);
  }
}

function codeOf(error: unknown): string {
  if (error instanceof StepFault) return error.code;
  return error instanceof UndecodableError ? 'CAR503' : 'CAR506';
}

function bump(counts: Map<string, number>, name: string, by = 1): void {
  counts.set(name, (counts.get(name) ?? 0) + by);
}
