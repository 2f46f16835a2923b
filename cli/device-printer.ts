/** What `carillon device` prints of what it is told: a line each, for people or as it came. */
import type { NotificationForm, PullPage, ServerFrame, Skipped } from '../schemas/frames.ts';

export interface PrinterParts {
  /** Names of use cases by their ids; another id is shown as it is. */
  readonly names: ReadonlyMap<string, string>;
  nowMs(): number;
  write(text: string): unknown;
}

export class DevicePrinter {
  readonly #json: boolean;
  readonly #parts: PrinterParts;

  constructor(format: 'pretty' | 'json', parts: PrinterParts) {
    this.#json = format === 'json';
    this.#parts = parts;
  }

  frame(frame: ServerFrame): void {
    if (this.#json) {
      this.#line(JSON.stringify(frame));
      return;
    }
    if (frame.type === 'welcome') note(`connected as ${frame.deviceId}, epoch ${frame.epoch}.`);
    if (frame.type === 'notification') this.#notification(frame);
    if (frame.type === 'notification' || frame.type === 'skipped') {
      for (const one of frame.skipped ?? []) this.#skipped(one);
    }
  }

  page(page: PullPage): void {
    if (this.#json) {
      this.#line(JSON.stringify(page));
      return;
    }
    for (const one of page.notifications) this.#notification(one);
    for (const one of page.skipped) this.#skipped(one);
  }

  #notification(one: NotificationForm): void {
    const { names, nowMs } = this.#parts;
    const age = (Math.max(0, nowMs() - one.born) / 1_000).toFixed(1);
    const count = one.count > 1 ? ` ×${one.count}` : '';
    const name = `${names.get(one.useCase) ?? one.useCase}${count}`;
    this.#line(`${placeOf(one)} ${name}  ${age} s old  ${JSON.stringify(one.value)}`);
  }

  #skipped(one: Skipped): void {
    this.#line(`${placeOf(one)} skipped: ${one.reason}`);
  }

  #line(text: string): void {
    this.#parts.write(`${text}\n`);
  }
}

const placeOf = ({ priority, sequence }: Skipped | NotificationForm) =>
  `${priority} #${sequence}`.padEnd(14);

/** What is not a frame goes to standard error, so that the frames can be piped on. */
export function note(sentence: string): void {
  process.stderr.write(`# ${sentence}\n`);
}
