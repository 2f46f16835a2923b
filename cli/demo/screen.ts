/**
 * The live view as lines of text: a function of the sums, their rates and the size of the terminal,
 * so that a test can look at it. What does not fit is left out from the bottom, never cut in the
 * middle.
 */
import { formatDuration } from '../../core/duration.ts';
import type { FlowSums, SinkSums, UseCaseSums } from './flow-snapshot.ts';

export interface ScreenLink {
  /** What one sees there: `every attempt to deliver`. */
  readonly what: string;
  /** A command or an address. */
  readonly how: string;
}

export interface ScreenView {
  readonly sums: FlowSums;
  /** Per second, over the last few seconds; by use case. */
  readonly inRates: ReadonlyMap<string, number>;
  /** By sink. */
  readonly deliveredRates: ReadonlyMap<string, number>;
  /** Events per second of the last seconds, oldest first; by use case. */
  readonly history: ReadonlyMap<string, readonly number[]>;
  readonly elapsedMs: number;
  readonly links: readonly ScreenLink[];
}

export interface ScreenSize {
  readonly columns: number;
  readonly rows: number;
}

export type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan';
/** Adds colour to a text, or nothing where there is none. */
export type Paint = (style: Style, text: string) => string;

const CODES: { readonly [style in Style]: string } = {
  bold: '1',
  dim: '2',
  red: '31',
  green: '32',
  yellow: '33',
  cyan: '36',
};
export const ansi: Paint = (style, text) => `\u001b[${CODES[style]}m${text}\u001b[0m`;
export const plain: Paint = (_, text) => text;

const NAME_CHARS = 23;
const SINK_NAME_CHARS = 10;
/** From here on there is room for a curve per use case. */
const WIDE_COLUMNS = 108;
const CURVE_CHARS = 16;
const BARS = '▁▂▃▄▅▆▇█';
const TROUBLES_SHOWN = 2;
/** Below it the columns would run into each other; a narrower terminal cuts lines off. */
const COLUMNS_LEAST = 72;
const MOTTO = ' one event in, every device told';

/** What a drop means, for somebody who sees the word for the first time. */
const MEANINGS: { readonly [reason: string]: string } = {
  duplicate: 'the same event again: dedup let the first one pass',
  superseded: 'coalesce let a newer event of the same title stand for it',
  stale: 'older than its use case allows when it came in',
  no_devices: 'the member has no registered device',
  no_target: 'no device of the member is of a class that is told, or it caused the event',
  offline: 'not connected: the inbox keeps it until the device pulls or comes back',
  expired: 'its deadline passed before it could be delivered',
  moved: 'the device has a new member since',
  rejected: 'the provider refused it for good, e.g. the app was removed',
};

const ALWAYS = [
  'out         notifications: one for each device that is told',
  'age         from the event to its delivery; coalesce waits on purpose',
];

export function drawScreen(view: ScreenView, size: ScreenSize, paint: Paint = plain): string[] {
  const columns = Math.max(COLUMNS_LEAST, size.columns);
  const rows = Math.max(12, size.rows);
  const head = [...title(view, columns, paint), '', ...useCases(view, columns, paint)];
  const middle = ['', ...sinks(view, columns, paint), '', ...state(view, columns, paint)];
  const foot = links(view, columns, paint);
  const lines = [...head, ...middle];
  const rest = rows - lines.length;
  const more = rest - foot.length - 1 > 2 ? meanings(view, columns, paint) : [];
  if (more.length > 0 && rest >= foot.length + more.length + 2) lines.push('', ...more);
  if (rows - lines.length > 1) lines.push('', ...foot);
  return lines.slice(0, rows);
}

function title({ elapsedMs, sums }: ScreenView, columns: number, paint: Paint): string[] {
  const name = ' CARILLON ';
  const goesOn = ` goes on, with ${number(sums.restored)} events that were held`;
  const about = sums.restored > 0 ? goesOn : MOTTO;
  const right = `${clockOf(elapsedMs)}   Ctrl-C ends `;
  const fits = name.length + about.length + right.length < columns;
  const motto = fits ? about : '';
  const gap = ' '.repeat(Math.max(1, columns - name.length - motto.length - right.length));
  return [`${paint('bold', paint('cyan', name))}${motto}${gap}${paint('dim', right)}`];
}

function useCases(view: ScreenView, columns: number, paint: Paint): string[] {
  const wide = columns >= WIDE_COLUMNS;
  const curve = wide ? CURVE_CHARS + 2 : 0;
  const room = columns - NAME_CHARS - 7 - 6 - 7 - 5 - 5 - curve - 3;
  const head =
    ` ${'USE CASE'.padEnd(NAME_CHARS)}${'IN'.padStart(7)}${'/s'.padStart(6)}` +
    `${wide ? `  ${'RECENT'.padEnd(CURVE_CHARS)}` : ''}` +
    `  ${'DROPPED'.padEnd(room)}${'HELD'.padStart(5)}${'DEAD'.padStart(5)}${'OUT'.padStart(7)}`;
  const lines = view.sums.useCases.map((sums) => useCaseLine(view, sums, room, wide, paint));
  return [paint('bold', head), ...lines];
}

function useCaseLine(
  view: ScreenView,
  sums: UseCaseSums,
  room: number,
  wide: boolean,
  paint: Paint,
): string {
  const rate = view.inRates.get(sums.name) ?? 0;
  const curve = wide
    ? `  ${paint('cyan', curveOf(view.history.get(sums.name) ?? []).padStart(CURVE_CHARS))}`
    : '';
  const dead = number(sums.deadLetters).padStart(5);
  return (
    ` ${fit(sums.name, NAME_CHARS - 1).padEnd(NAME_CHARS)}${number(sums.in).padStart(7)}` +
    `${paint('dim', rateOf(rate).padStart(6))}${curve}` +
    `  ${paint('yellow', pairs(sums.dropped, room - 1).padEnd(room))}` +
    `${number(sums.held).padStart(5)}${sums.deadLetters > 0 ? paint('red', dead) : dead}` +
    `${paint('green', number(sums.out).padStart(7))}`
  );
}

function sinks(view: ScreenView, columns: number, paint: Paint): string[] {
  const room = columns - SINK_NAME_CHARS - 11 - 6 - 8 - 8 - 10 - 3;
  const head =
    ` ${'TOLD BY'.padEnd(SINK_NAME_CHARS)}${'DELIVERED'.padStart(11)}${'/s'.padStart(6)}` +
    `  ${'NOT DELIVERED'.padEnd(room)}${'AGE p50'.padStart(8)}${'p99'.padStart(8)}` +
    `${fit(view.sums.mostUrgent, 9).padStart(10)}`;
  const lines = view.sums.sinks.map((sums) => sinkLine(view, sums, room, paint));
  return [paint('bold', head), ...lines];
}

function sinkLine(view: ScreenView, sums: SinkSums, room: number, paint: Paint): string {
  const rate = view.deliveredRates.get(sums.name) ?? 0;
  return (
    ` ${fit(sums.name, SINK_NAME_CHARS - 1).padEnd(SINK_NAME_CHARS)}` +
    `${paint('green', number(sums.delivered).padStart(11))}` +
    `${paint('dim', rateOf(rate).padStart(6))}` +
    `  ${paint('yellow', pairs(sums.others, room - 1).padEnd(room))}` +
    `${ageOf(sums.ageMsP50).padStart(8)}${ageOf(sums.ageMsP99).padStart(8)}` +
    `${ageOf(sums.urgentAgeMsP99).padStart(10)}`
  );
}

function state({ sums }: ScreenView, columns: number, paint: Paint): string[] {
  const waiting = sums.sinks.reduce((sum, sink) => sum + sink.waiting, 0);
  const facts = [
    `${number(sums.connections)} devices connected`,
    `${number(sums.lag)} events behind`,
    `${number(waiting)} deliveries under way`,
  ];
  const lines = [` ${facts.join('  ·  ')}`];
  for (const trouble of sums.troubles.slice(0, TROUBLES_SHOWN)) {
    lines.push(paint('red', fit(` ! ${trouble}`, columns - 1)));
  }
  return lines;
}

/** Only of what is on the screen. */
function meanings({ sums }: ScreenView, columns: number, paint: Paint): string[] {
  const seen = new Set<string>();
  for (const { dropped } of sums.useCases) for (const [reason] of dropped) seen.add(reason);
  for (const { others } of sums.sinks) for (const [outcome] of others) seen.add(outcome);
  const known = [...seen].filter((reason) => Object.hasOwn(MEANINGS, reason));
  if (known.length === 0) return [];
  const lines = known.map((reason) => fit(` ${reason.padEnd(12)}${MEANINGS[reason]}`, columns - 1));
  for (const line of ALWAYS) lines.push(fit(` ${line}`, columns - 1));
  return [paint('bold', ' WHAT THE WORDS MEAN'), ...lines.map((line) => paint('dim', line))];
}

function links({ links }: ScreenView, columns: number, paint: Paint): string[] {
  if (links.length === 0) return [];
  const width = Math.max(...links.map(({ what }) => what.length)) + 2;
  const lines = links.map(({ what, how }) => {
    const text = fit(` ${what.padEnd(width)}${how}`, columns - 1);
    return paint('dim', text.slice(0, width + 1)) + text.slice(width + 1);
  });
  return [paint('bold', ' LOOK FURTHER'), ...lines];
}

/** `superseded 4.8k  duplicate 33  +2`: most first, as many as fit. */
export function pairs(all: readonly (readonly [string, number])[], room: number): string {
  let text = '';
  for (let i = 0; i < all.length; i++) {
    const [name, n] = all[i]!;
    const next = `${text === '' ? '' : '  '}${name} ${short(n)}`;
    const rest = all.length - i - 1;
    const tail = rest > 0 ? `  +${rest}` : '';
    if ((text + next + tail).length > room) {
      const left = all.length - i;
      return text === '' ? fit(next, room) : `${text}  +${left}`;
    }
    text += next;
  }
  return text;
}

/** `831`, `4.8k`, `33k`: where there is little room. */
function short(n: number): string {
  if (n < 1_000) return String(n);
  if (n < 1_000_000) return `${(n / 1_000).toFixed(n < 10_000 ? 1 : 0)}k`;
  return `${(n / 1_000_000).toFixed(1)}M`;
}

/** At most seven characters. */
export function number(n: number): string {
  if (n < 10_000) return n.toLocaleString('en-US');
  if (n < 1_000_000) return `${(n / 1_000).toFixed(n < 100_000 ? 1 : 0)}k`;
  return `${(n / 1_000_000).toFixed(1)}M`;
}

export function rateOf(rate: number): string {
  if (rate === 0) return '·';
  return rate < 10 ? rate.toFixed(1) : number(Math.round(rate));
}

export function ageOf(ms: number): string {
  if (ms === 0) return '·';
  return Number.isFinite(ms) ? `≤${formatDuration(ms)}` : '>5m';
}

function clockOf(ms: number): string {
  const all = Math.floor(ms / 1_000);
  const parts = [Math.floor(all / 3_600), Math.floor(all / 60) % 60, all % 60];
  return parts.map((part) => String(part).padStart(2, '0')).join(':');
}

/** Scaled to its own highest point. */
function curveOf(rates: readonly number[]): string {
  const shown = rates.slice(-CURVE_CHARS);
  const most = Math.max(1, ...shown);
  return shown
    .map((rate) => (rate === 0 ? ' ' : BARS[Math.min(7, Math.floor((rate / most) * 8))]))
    .join('');
}

function fit(text: string, room: number): string {
  return text.length <= room ? text : `${text.slice(0, Math.max(0, room - 1))}…`;
}
