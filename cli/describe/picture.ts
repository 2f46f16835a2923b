/**
 * A topology as a picture: a band for each priority, most urgent on top, in it a row for each
 * stream from its topic over its steps to the lanes; beside them the sinks, a column each. No two
 * lines cross, so that thirty steps are read as easily as three. Under a step stand its state and
 * the reasons for which it drops.
 */
import { formatDuration } from '../../core/duration.ts';
import type {
  DescribedSink,
  DescribedStep,
  DescribedStream,
  DescribedSubTopology,
  Description,
} from './description.ts';
import { labelsOf, ONWARD, ownTargets } from './row-words.ts';
import {
  arrow,
  type Box,
  box,
  centred,
  DRUM_PX,
  drum,
  place,
  svg,
  text,
  titled,
  widthOf,
} from './svg-text.ts';

const EDGE = 24;
const BAND_PAD = 14;
const STRIPE = 6;
const CHIP_HEIGHT = 26;
/** Between steps: room for an arrow. */
const CHIP_GAP = 22;
/** A line under a step: a reason, or its state. */
const NOTE_HEIGHT = 13;
const ROW_GAP = 10;
/** Steps beyond this go on in the next line of the row. */
const STEPS_WIDTH_MAX = 780;
const SINK_WIDTH = 112;
const SINK_GAP = 12;
const HEAD_HEIGHT = 28;
/** A number that is counted: `12.3k/s`. */
const LIVE_WIDTH = 46;
const LIVE_HEIGHT = 13;

interface Chip {
  readonly step: DescribedStep;
  /** `<priority>|<stream>|<step>`; null: nothing is counted in this picture. */
  readonly live: string | null;
  readonly notes: readonly Note[];
  readonly width: number;
}

interface Note {
  readonly style: 'drop' | 'state';
  readonly words: string;
  /** What of it is counted, while it runs: `held`, or a reason's drops. */
  readonly counted?: string;
}

interface Row {
  readonly stream: DescribedStream;
  readonly lines: readonly (readonly Chip[])[];
  readonly height: number;
}

interface Band {
  readonly title: string;
  readonly about: string;
  /** Class of its colour. */
  readonly colour: string;
  readonly priority: string | null;
  /** Of its sub-topologies. */
  readonly groups: readonly string[];
  readonly rows: readonly Row[];
  readonly height: number;
}

interface Measures {
  /** Where the steps begin, and how far they go at most. */
  readonly steps: number;
  readonly stepsEnd: number;
  readonly bandWidth: number;
  readonly sinks: number;
  readonly width: number;
}

/** The text of an SVG file; it shows itself light or dark as the reader has it. */
export function picture(described: Description): string {
  return draw(described, false);
}

/**
 * The same with empty places for what is counted while it runs, and without its style, which the
 * policy of a page wants apart. Their `data-live` says what:
 * `in|<priority>|<stream>|<step>`, `held|…` and `drop|…|<reason>` of steps,
 * `told|<priority>|<sink>` and `wait|…` of lanes, `lag|<group>,…` of bands.
 */
export function livePicture(described: Description): string {
  return draw(described, true);
}

function draw(described: Description, live: boolean): string {
  const bands = bandsOf(described, live);
  const sinks = described.sinks;
  const measures = measure(bands, sinks.length);
  const parts = [
    text(EDGE, 36, 'title', described.topology),
    text(EDGE + widthOf(described.topology, 'title') + 16, 36, 'small', described.doc),
  ];
  const sinkHeads = sinks.map((sink) => sinkNotes(sink));
  const headNotes = Math.max(0, ...sinkHeads.map((notes) => notes.length));
  let y = 56 + (sinks.length === 0 ? 0 : headNotes * NOTE_HEIGHT + 14);
  const sinksTop = y;
  for (const [n, sink] of sinks.entries()) {
    parts.push(sinkHead(sink, sinkHeads[n]!, measures.sinks + n * (SINK_WIDTH + SINK_GAP), y));
  }
  for (const band of bands) {
    parts.push(drawBand(band, y, measures, live));
    parts.push(...drawLanes(band, y, measures, { sinks, live }));
    y += band.height + 12;
  }
  y = Math.max(y, sinksTop);
  parts.push(...legend(y + 10, described));
  const about = `The topology ${described.topology}`;
  return svg(measures.width, y + 34, about, parts, ...(live ? [null] : []));
}

/** Of streams in a topology without lanes, and of the devices. */
const NO_PRIORITY = -1;

function bandsOf({ subTopologies, priorities: all }: Description, live: boolean): Band[] {
  const devices = subTopologies.filter(({ role }) => role.startsWith('devices/'));
  // Tables that are made of others stand in no band; `describe` tells them in words.
  const streams = subTopologies.filter(
    (sub) => !devices.includes(sub) && !sub.role.startsWith('tables/'),
  );
  // Behind a step that changes the key a stream goes on in the same band.
  const priorities = [...new Set(streams.map(({ priority }) => priority))];
  const bands = priorities.map((priority) => {
    const subs = streams.filter((sub) => sub.priority === priority);
    const number = all.findIndex(({ name }) => name === priority);
    return bandOf([priority ?? 'streams', subs.at(-1)!.group], number, subs, live);
  });
  if (devices.length === 0) return bands;
  const about = 'who owns which device, and who is connected';
  return [...bands, bandOf(['devices', about], NO_PRIORITY, devices, live)];
}

function bandOf(
  [title, about]: readonly [title: string, about: string],
  number: number,
  subs: readonly DescribedSubTopology[],
  live: boolean,
): Band {
  const rows = subs.flatMap((sub) =>
    sub.streams.map((stream) => rowOf(stream, sub.priority, live)),
  );
  const priority = subs[0]?.priority ?? null;
  const inner = rows.reduce((sum, { height }) => sum + height + ROW_GAP, -ROW_GAP);
  const height = HEAD_HEIGHT + inner + BAND_PAD;
  const groups = subs.map(({ group }) => group);
  return { title, about, colour: number < 0 ? 'pn' : `p${number}`, priority, groups, rows, height };
}

function rowOf(stream: DescribedStream, priority: string | null, live: boolean): Row {
  const lines: Chip[][] = [[]];
  let used = 0;
  const keyOf = ({ name }: DescribedStep) => `${priority ?? ''}|${stream.name}|${name}`;
  for (const chip of stream.steps.map((step) => chipOf(step, live ? keyOf(step) : null))) {
    if (used + chip.width > STEPS_WIDTH_MAX && used > 0) {
      lines.push([]);
      used = 0;
    }
    lines.at(-1)!.push(chip);
    used += chip.width + CHIP_GAP;
  }
  const height = lines.reduce((sum, line) => sum + lineHeight(line), 0);
  return { stream, lines, height: Math.max(height, labelsOf(stream).length * 15 + 4) };
}

function chipOf(step: DescribedStep, live: string | null = null): Chip {
  const notes: Note[] = [
    ...(step.with === null ? [] : [{ style: 'state', words: `with ${step.with}` } as const]),
    ...step.tables.map((table) => ({ style: 'state', words: table }) as const),
    ...(step.store === null ? [] : [{ style: 'state', words: 'state', counted: 'held' } as const]),
    ...step.drops.map(
      (reason) => ({ style: 'drop', words: `− ${reason}`, counted: reason }) as const,
    ),
  ];
  const widths = notes.map(
    ({ style, words, counted }) =>
      widthOf(words, style) +
      (style === 'state' ? DRUM_PX : 0) +
      (live === null || counted === undefined ? 0 : LIVE_WIDTH),
  );
  return { step, live, notes, width: Math.max(widthOf(step.name, 'mono') + 20, ...widths) };
}

function lineHeight(line: readonly Chip[]): number {
  const notes = Math.max(0, ...line.map((chip) => chip.notes.length));
  return roomAbove(line) + CHIP_HEIGHT + notes * NOTE_HEIGHT + 6;
}

/** For what its steps were given. */
function roomAbove(line: readonly Chip[]): number {
  return line.some(({ live }) => live !== null) ? LIVE_HEIGHT : 0;
}

function measure(bands: readonly Band[], sinks: number): Measures {
  const rows = bands.flatMap((band) => band.rows);
  const labels = rows.flatMap(({ stream }) =>
    labelsOf(stream).map(([words, style]) => widthOf(words, style)),
  );
  const steps = EDGE + STRIPE + 16 + Math.max(0, ...labels) + 36;
  const ends = rows.flatMap(({ lines, stream }) =>
    lines.map((line, n) => {
      const width = line.reduce((sum, chip) => sum + chip.width + CHIP_GAP, 0);
      const isLast = n === lines.length - 1;
      return steps + width + (isLast ? targetsWidth(stream) : 0);
    }),
  );
  const heads = bands.map(({ title, about }) => EDGE + 90 + widthOf(`${title}${about}`, 'small'));
  const stepsEnd = Math.max(steps + 40, ...ends, ...heads);
  const bandWidth = stepsEnd + BAND_PAD - EDGE;
  const beside = stepsEnd + BAND_PAD + 30;
  const width =
    sinks === 0
      ? stepsEnd + BAND_PAD + EDGE
      : beside + sinks * (SINK_WIDTH + SINK_GAP) - SINK_GAP + EDGE;
  return { steps, stepsEnd, bandWidth, sinks: beside, width: Math.ceil(Math.max(width, 760)) };
}

function targetsWidth(stream: DescribedStream): number {
  const targets = ownTargets(stream);
  return Math.max(0, ...targets.map((topic) => widthOf(topic, 'mono') + 20 + DRUM_PX));
}

function drawBand(band: Band, top: number, measures: Measures, live: boolean): string {
  const { steps, stepsEnd, bandWidth } = measures;
  const { title, about, colour, height, groups } = band;
  const parts = [
    box({ x: EDGE, y: top, width: bandWidth, height }, 'band', 8),
    box({ x: EDGE, y: top, width: STRIPE, height }, colour, 3),
    `<text x="${EDGE + STRIPE + 16}" y="${top + 19}" class="strong ${colour}">${title}</text>`,
    text(EDGE + STRIPE + 28 + widthOf(title, 'strong'), top + 19, 'small', about),
  ];
  if (live) parts.push(place(stepsEnd, top + 19, `lag|${groups.join(',')}`, 'end'));
  let y = top + HEAD_HEIGHT;
  for (const row of band.rows) {
    parts.push(drawRow(row, y, steps, stepsEnd));
    y += row.height + ROW_GAP;
  }
  return parts.join('\n');
}

function drawRow({ stream, lines }: Row, top: number, steps: number, stepsEnd: number): string {
  const left = EDGE + STRIPE + 16;
  const parts = labelsOf(stream).map(([words, style], n) =>
    text(left, top + 13 + n * 15, style, words),
  );
  let y = top;
  for (const [n, line] of lines.entries()) {
    const top = y + roomAbove(line);
    const middle = top + CHIP_HEIGHT / 2;
    let x = steps;
    parts.push(n === 0 ? arrow(x - 28, x - 4, middle) : text(x - 24, middle + 4, 'small', '↳'));
    for (const [m, chip] of line.entries()) {
      if (m > 0) parts.push(arrow(x - CHIP_GAP + 3, x - 4, middle));
      parts.push(drawChip(chip, x, top));
      x += chip.width + CHIP_GAP;
    }
    if (n === lines.length - 1) parts.push(drawTargets(stream, x - CHIP_GAP + 3, middle, stepsEnd));
    y += lineHeight(line);
  }
  return titled(stream.doc === '' ? stream.name : stream.doc, parts);
}

function drawChip({ step, live, notes, width }: Chip, x: number, y: number): string {
  const parts = [
    box({ x, y, width, height: CHIP_HEIGHT }, 'chip'),
    centred(x + width / 2, y + 17, 'mono', step.name),
  ];
  if (live !== null) parts.push(place(x + width / 2, y - 4, `in|${live}`, 'middle'));
  for (const [n, { style, words, counted }] of notes.entries()) {
    const at = y + CHIP_HEIGHT + 11 + n * NOTE_HEIGHT;
    if (style === 'state') parts.push(drum(x + 3, at - 3));
    const left = x + (style === 'state' ? 3 + DRUM_PX : 3);
    parts.push(text(left, at, style, words));
    if (live === null || counted === undefined) continue;
    const key =
      counted === 'held' && style === 'state' ? `held|${live}` : `drop|${live}|${counted}`;
    parts.push(place(left + widthOf(words, style) + 5, at, key, 'start'));
  }
  return parts.join('');
}

/** Into the lanes the line runs on to the edge of its band. */
function drawTargets(stream: DescribedStream, x: number, y: number, end: number): string {
  const own = ownTargets(stream);
  if (own.length === 0) return arrow(x, end + BAND_PAD, y);
  const parts = [arrow(x, x + CHIP_GAP - 7, y)];
  for (const [n, topic] of own.entries()) {
    const at = y + n * 16;
    if (!topic.startsWith(ONWARD)) parts.push(drum(x + CHIP_GAP - 2, at));
    parts.push(text(x + CHIP_GAP + DRUM_PX - 1, at + 4, 'mono', topic));
  }
  return parts.join('');
}

function sinkNotes({ steps, tables, inFlightMax, timeoutMs }: DescribedSink): readonly Note[] {
  const shown = steps.flatMap((step) => chipOf(step).notes);
  const rest = tables
    .filter((table) => !shown.some(({ words }) => words === table))
    .map((table) => ({ style: 'state', words: table }) as const);
  const limits = `${inFlightMax} in flight, ${formatDuration(timeoutMs)}`;
  return [{ style: 'state', words: limits }, ...rest, ...shown];
}

/** Above its column: from the bottom up, so that the names stand in one line. */
function sinkHead(sink: DescribedSink, notes: readonly Note[], x: number, bottom: number): string {
  const about = sink.name === sink.connector ? sink.name : `${sink.name} (${sink.connector})`;
  const height = notes.length * NOTE_HEIGHT;
  const parts = [centred(x + SINK_WIDTH / 2, bottom - height - 12, 'name', about)];
  for (const [n, { style, words }] of notes.entries()) {
    const at = bottom - height + 2 + n * NOTE_HEIGHT;
    const isTable = n > 0 && style === 'state';
    const middle = x + SINK_WIDTH / 2 + (isTable ? DRUM_PX / 2 : 0);
    if (isTable) parts.push(drum(middle - widthOf(words, style) / 2 - DRUM_PX, at - 3));
    parts.push(centred(middle, at, n === 0 ? 'small' : style, words));
  }
  return parts.join('');
}

/** A cell for each sink: the lane of this priority and transport, with a group of its own. */
function drawLanes(
  band: Band,
  top: number,
  { sinks: left, stepsEnd }: Measures,
  { sinks, live }: { readonly sinks: readonly DescribedSink[]; readonly live: boolean },
): string[] {
  if (band.priority === null) return [];
  const middle = top + band.height / 2;
  const parts: string[] = [];
  for (const [n, sink] of sinks.entries()) {
    const lane = sink.lanes.find(({ priority }) => priority === band.priority);
    if (lane === undefined) continue;
    const x = left + n * (SINK_WIDTH + SINK_GAP);
    const cell: Box = { x, y: top, width: SINK_WIDTH, height: band.height };
    const [topic = ''] = lane.topics;
    const words = lane.topics.length > 1 ? 'all lanes' : topic.split('.').at(-1)!;
    parts.push(
      titled(`${lane.topics.join(', ')}, group ${lane.group}`, [
        box(cell, 'band', 8),
        `<rect x="${x + 10}" y="${middle - 12}" width="${SINK_WIDTH - 20}" height="24" rx="12" class="pill"/>`,
        `<circle cx="${x + 23}" cy="${middle}" r="4" class="${band.colour}"/>`,
        centred(x + SINK_WIDTH / 2 + 7, middle + 4, 'small', words),
        ...(live ? lanePlaces(x + SINK_WIDTH / 2, middle, `${band.priority}|${sink.name}`) : []),
      ]),
    );
  }
  if (parts.length > 0) parts.push(arrow(stepsEnd + BAND_PAD + 4, left - 4, middle));
  return parts;
}

const lanePlaces = (x: number, y: number, key: string) => [
  place(x, y - 18, `told|${key}`, 'middle'),
  place(x, y + 25, `wait|${key}`, 'middle'),
];

function legend(y: number, { deadLetters }: Description): string[] {
  let x = EDGE;
  const parts: string[] = [];
  const add = (style: 'drop' | 'state' | 'small', words: string) => {
    if (style === 'state') parts.push(drum(x, y - 3));
    const from = x + (style === 'state' ? DRUM_PX : 0);
    parts.push(text(from, y, style, words));
    x = from + widthOf(words, style) + 28;
  };
  add('drop', '− reason: dropped there, and counted');
  add('state', 'kept: a step’s state, a table');
  add('small', `what cannot be used goes to ${deadLetters}, with its reason`);
  return parts;
}
