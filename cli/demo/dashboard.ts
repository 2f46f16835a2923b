/**
 * Shows the flow while it runs: a screen that is drawn again each second on a terminal, a block of
 * lines every few seconds elsewhere. It only reads, and it ends with the sums.
 */
import { type FlowSums, type LiveSnapshot, sumsOf } from './flow-snapshot.ts';
import {
  ageOf,
  ansi,
  drawScreen,
  number,
  pairs,
  plain,
  rateOf,
  type ScreenLink,
  type ScreenSize,
  type ScreenView,
} from './screen.ts';

export interface DashboardOptions {
  readonly snapshot: () => LiveSnapshot | Promise<LiveSnapshot>;
  /** The use cases in the order in which they are shown. */
  readonly useCases: readonly string[];
  /** The topology's first priority, whose ages are shown apart. */
  readonly mostUrgent: string;
  readonly out: NodeJS.WritableStream;
  /** True: a terminal that is drawn on; false: lines. */
  readonly isTty: boolean;
  readonly links: readonly ScreenLink[];
  /** Asked at each drawing, as windows change; 80 × 24 by default. */
  readonly size?: () => ScreenSize;
  /** False: `NO_COLOR` is set, or the terminal has none. */
  readonly colour?: boolean;
  /** Milliseconds, never going back; the machine's by default. */
  readonly elapsed?: () => number;
}

export interface Dashboard {
  /** Gives the terminal back, and prints the sums. */
  stop(): Promise<void>;
}

const SCREEN_EVERY_MS = 1_000;
const LINES_EVERY_MS = 5_000;
/** Rates are over so many samples, or they would jump with every burst. */
const RATE_SAMPLES = 5;
const HISTORY_SAMPLES = 60;

const ESC = '\u001b[';
const ENTER = `${ESC}?1049h${ESC}?25l`;
const LEAVE = `${ESC}?25h${ESC}?1049l`;

export function startDashboard(options: DashboardOptions): Dashboard {
  const history = new FlowHistory(options.useCases);
  const elapsed = options.elapsed ?? (() => performance.now());
  const startMs = elapsed();
  let stopped = false;
  let showing = Promise.resolve();
  const show = async () => {
    const sums = sumsOf(await options.snapshot(), options.useCases, options.mostUrgent);
    history.add(elapsed() - startMs, sums);
    if (stopped) return;
    // In a log the links are of use once; on a screen they have their place.
    const view = history.view(options.isTty || history.size === 1 ? options.links : []);
    options.out.write(options.isTty ? screenText(view, options) : lineBlock(view));
  };
  if (options.isTty) options.out.write(ENTER);
  const timer = setInterval(
    () => {
      // A slow snapshot is not asked for again before it came.
      showing = showing.then(show).catch(() => undefined);
    },
    options.isTty ? SCREEN_EVERY_MS : LINES_EVERY_MS,
  );
  showing = show().catch(() => undefined);
  return {
    async stop() {
      if (stopped) return;
      clearInterval(timer);
      await showing;
      stopped = true;
      await show().catch(() => undefined);
      if (options.isTty) options.out.write(LEAVE);
      options.out.write(lineBlock(history.view([])));
    },
  };
}

function screenText(view: ScreenView, options: DashboardOptions): string {
  const size = options.size?.() ?? { columns: 80, rows: 24 };
  const lines = drawScreen(view, size, options.colour === false ? plain : ansi);
  // Each line clears its own rest, and the last one what is below: nothing flickers.
  return `${ESC}H${lines.map((line) => `${line}${ESC}K`).join('\r\n')}${ESC}J`;
}

/** One block for logs and pipes: no colour, no cursor, all reasons. */
export function lineBlock(view: ScreenView): string {
  const { sums } = view;
  const at = `${Math.round(view.elapsedMs / 1_000)} s`;
  const wide = Number.MAX_SAFE_INTEGER;
  const lines = [
    `[${at}] ${number(sums.connections)} devices connected, ${number(sums.lag)} events behind`,
  ];
  for (const one of sums.useCases) {
    const rate = rateOf(view.inRates.get(one.name) ?? 0);
    const dropped = one.dropped.length === 0 ? 'none' : pairs(one.dropped, wide);
    lines.push(
      `  ${one.name.padEnd(23)} in ${number(one.in).padStart(7)} (${rate}/s)  out ${number(one.out)}` +
        `  held ${number(one.held)}  dead letters ${number(one.deadLetters)}  dropped: ${dropped}`,
    );
  }
  for (const one of sums.sinks) {
    const rate = rateOf(view.deliveredRates.get(one.name) ?? 0);
    const others = one.others.length === 0 ? '' : `  ${pairs(one.others, wide)}`;
    lines.push(
      `  → ${one.name.padEnd(21)} delivered ${number(one.delivered).padStart(7)} (${rate}/s)` +
        `  age p50 ${ageOf(one.ageMsP50)} p99 ${ageOf(one.ageMsP99)}` +
        ` ${sums.mostUrgent} p99 ${ageOf(one.urgentAgeMsP99)}${others}`,
    );
  }
  for (const trouble of sums.troubles) lines.push(`  ! ${trouble}`);
  for (const { what, how } of view.links) lines.push(`  ${what}: ${how}`);
  return `${lines.join('\n')}\n`;
}

interface Sample {
  readonly atMs: number;
  readonly sums: FlowSums;
}

/** The last samples, for rates and curves. */
export class FlowHistory {
  readonly #useCases: readonly string[];
  readonly #samples: Sample[] = [];

  constructor(useCases: readonly string[]) {
    this.#useCases = useCases;
  }

  get size(): number {
    return this.#samples.length;
  }

  add(atMs: number, sums: FlowSums): void {
    this.#samples.push({ atMs, sums });
    if (this.#samples.length > HISTORY_SAMPLES) this.#samples.shift();
  }

  view(links: readonly ScreenLink[]): ScreenView {
    const last = this.#samples.at(-1)!;
    const first = this.#samples.at(-1 - RATE_SAMPLES) ?? this.#samples[0]!;
    const names = last.sums.useCases.map(({ name }) => name);
    return {
      sums: last.sums,
      links,
      elapsedMs: last.atMs,
      inRates: new Map(names.map((name) => [name, rate(first, last, inOf(name))])),
      deliveredRates: new Map(
        last.sums.sinks.map(({ name }) => [name, rate(first, last, deliveredOf(name))]),
      ),
      history: new Map([...this.#useCases, ...names].map((name) => [name, this.#curve(name)])),
    };
  }

  #curve(name: string): number[] {
    const read = inOf(name);
    return this.#samples.slice(1).map((sample, i) => rate(this.#samples[i]!, sample, read));
  }
}

type Read = (sums: FlowSums) => number;
const inOf =
  (name: string): Read =>
  (sums) =>
    sums.useCases.find((one) => one.name === name)?.in ?? 0;
const deliveredOf =
  (name: string): Read =>
  (sums) =>
    sums.sinks.find((one) => one.name === name)?.delivered ?? 0;

function rate(from: Sample, to: Sample, read: Read): number {
  const ms = to.atMs - from.atMs;
  return ms <= 0 ? 0 : Math.max(0, ((read(to.sums) - read(from.sums)) * 1_000) / ms);
}
