/**
 * What the application is told: one at a time, each number once, then kept in the memory, then
 * acknowledged. What it could not take is told again.
 */
import type { NotificationForm, Skipped } from '../schemas/frames.ts';
import type { ClientOptions } from './options.ts';
import { Seen, type SeenForm } from './seen.ts';

/** What a frame or a page brings, in order. */
export interface Told {
  readonly epoch: number;
  readonly notifications: readonly NotificationForm[];
  readonly skipped: readonly Skipped[];
  readonly cursor: string;
  /** Pulled for a gap: its cursor is behind that of the stream. */
  readonly isGap?: boolean;
}

interface MemoryForm extends SeenForm {
  readonly deviceId: string;
  readonly cursor?: string;
}

export interface DeliveriesDeps {
  readonly options: ClientOptions;
  /** False: it could not be sent, and is sent later. */
  acknowledge(cursor: string, isGap: boolean): Promise<boolean>;
  /** A number is missing below what came: if nobody fills it, pull it. */
  missing(priority: string, sequence: number): void;
  failed(error: unknown): void;
}

export class Deliveries {
  readonly #deps: DeliveriesDeps;
  readonly #queue: Told[] = [];
  #working: Promise<void> = Promise.resolve();
  #isWorking = false;
  #seen = new Seen();
  #memory = '';
  #due: string | undefined;
  /** Of what was done last. */
  cursor: string | undefined;

  constructor(deps: DeliveriesDeps) {
    this.#deps = deps;
    this.cursor = deps.options.after;
  }

  /** What is kept of another device, or is not readable, says nothing. */
  recall(text: string): void {
    let form: Partial<MemoryForm> | null = null;
    try {
      form = JSON.parse(text || 'null');
    } catch {
      // As if there were none: what is not acknowledged is told again.
    }
    if (form?.deviceId !== this.#deps.options.deviceId) return;
    const { epoch = 0, spans = {}, marks = {}, cursor } = form;
    this.#memory = text;
    this.#seen = new Seen({ epoch, spans, marks });
    this.cursor = cursor;
  }

  has(priority: string, sequence: number): boolean {
    return this.#seen.has(priority, sequence);
  }

  get waiting(): number {
    return this.#queue.length;
  }

  async idle(): Promise<void> {
    while (this.#isWorking) await this.#working;
  }

  /** What the application is not doing yet is left to the next connection. */
  drop(): void {
    this.#queue.length = Math.min(1, this.#queue.length);
  }

  take(told: Told): void {
    this.#queue.push(told);
    this.work();
  }

  /** What was acknowledged so shortly before a connection broke may not have arrived. */
  again(cursor: string): void {
    this.#due ??= cursor;
  }

  work(): void {
    if (this.#isWorking) return;
    this.#isWorking = true;
    this.#working = this.#work();
  }

  async #work(): Promise<void> {
    try {
      while (this.#queue.length > 0 || this.#due !== undefined) {
        for (let told = this.#queue[0]; told !== undefined; told = this.#queue[0]) {
          await this.#do(told);
          this.#queue.shift();
        }
        const due = this.#due;
        if (due === undefined) continue;
        const isSent = await this.#deps.acknowledge(due, false);
        if (isSent && this.#due === due) this.#due = undefined;
        if (!isSent && this.#queue.length === 0) return;
      }
    } catch (error) {
      this.#queue.length = 0;
      this.#seen = new Seen();
      this.cursor = this.#deps.options.after;
      this.recall(this.#memory);
      this.#deps.failed(error);
    } finally {
      // In the same turn as the last look at the queue: what comes now begins anew.
      this.#isWorking = false;
    }
  }

  async #do(told: Told): Promise<void> {
    const { onNotification, onSkipped, acknowledge = true } = this.#deps.options;
    const { notifications, cursor, isGap = false } = told;
    this.#seen.begin(told.epoch);
    for (const one of told.skipped) if (this.#seen.add(one)) onSkipped?.(one);
    for (const one of notifications) {
      if (!this.#seen.add(one)) continue;
      const { priority, previous } = one;
      if (previous > 0 && !this.has(priority, previous)) this.#deps.missing(priority, previous);
      const isLast = one === notifications.at(-1) && !isGap;
      const memory = this.#form(isLast ? cursor : this.cursor);
      await onNotification(one, memory);
      await this.#keep(memory);
    }
    if (!isGap) this.cursor = cursor;
    await this.#keep(this.#form(this.cursor));
    if (!acknowledge) return;
    if (isGap) await this.#deps.acknowledge(cursor, true);
    else this.#due = cursor;
  }

  #form(cursor: string | undefined): string {
    const { deviceId } = this.#deps.options;
    return JSON.stringify({ deviceId, cursor, ...this.#seen.form });
  }

  async #keep(text: string): Promise<void> {
    if (text === this.#memory) return;
    await this.#deps.options.memory?.save(text);
    this.#memory = text;
  }
}
