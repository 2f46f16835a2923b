/**
 * The tests beside a topology (`*.test.yaml`): what is fed, what must come out, what must be
 * dropped. This reads and checks the text; the driver runs it.
 */
import { TRANSPORTS, type Transport } from '../core/device.ts';
import type { Diagnostic, Place } from '../core/error.ts';
import { RENO_WORDS, type Words } from '../core/words.ts';
import type { Plan } from './plan.ts';
import { readCount, readDuration } from './quantity.ts';
import type { Report } from './report.ts';
import { headOf, Section } from './section.ts';
import { checkNames } from './topology-test-names.ts';
import { type ListTree, parseTree, type Tree } from './tree.ts';

export type Json = null | boolean | number | string | readonly Json[] | JsonObject;
export interface JsonObject {
  readonly [field: string]: Json;
}

export interface TopologyTest {
  readonly file: string;
  /** The name of the topology that it is for. */
  readonly topology: string;
  /** Registered before each test, at the clock's start. */
  readonly devices: readonly TestDevice[];
  readonly tests: readonly TestCase[];
}

export interface TestDevice {
  readonly deviceId: string;
  readonly memberId: string;
  readonly class: string;
  readonly transport: Transport;
  /** Connected to a gateway from the start. */
  readonly online: boolean;
  readonly where: Place;
}

export interface TestCase {
  /** What it shows. */
  readonly it: string;
  readonly where: Place;
  /** Besides those of the file. */
  readonly devices: readonly TestDevice[];
  readonly feed: readonly FeedLine[];
  /** Exact: an output that is not listed fails the test. */
  readonly expect: readonly ExpectLine[];
  /** Exact, as far as it is given; undefined: drops are not looked at. */
  readonly dropped: readonly DropLine[] | undefined;
}

/** Times are milliseconds since the clock's start, 2026-01-01T00:00:00Z. */
export interface FeedLine {
  readonly atMs: number;
  /** One of both: by the stream's name (its topic and schema), or straight to a topic. */
  readonly stream: string | undefined;
  readonly topic: string | undefined;
  readonly key: string;
  readonly value: Json;
  readonly where: Place;
}

export interface ExpectLine {
  readonly atMs: number;
  readonly sink: string | undefined;
  readonly topic: string | undefined;
  readonly priority: string | undefined;
  readonly key: string;
  /** Of a dead letter; undefined: not looked at. */
  readonly code: string | undefined;
  /** Fields that are listed must match; undefined: not looked at; null: a tombstone. */
  readonly value: Json | undefined;
  readonly where: Place;
}

export interface DropLine {
  readonly atMs: number;
  /** The stream or sink, and its step. */
  readonly stream: string;
  readonly step: string;
  readonly reason: string;
  readonly count: number;
  readonly where: Place;
}

export interface ParsedTest {
  /** Undefined when there is an error. */
  readonly test: TopologyTest | undefined;
  readonly diagnostics: Diagnostic[];
}

/**
 * With a plan, the names of streams, sinks, steps and reasons are checked against it too. `words`:
 * those of the topology; null: they are broken, so that what a device is called is not known.
 */
export function parseTopologyTest(
  text: string,
  file: string,
  plan?: Plan,
  words: Words | null = plan?.words ?? RENO_WORDS,
): ParsedTest {
  const { tree, report } = parseTree(text, file, {});
  if (tree === undefined) return { test: undefined, diagnostics: report.diagnostics() };
  if (tree.kind !== 'map') {
    const what = 'the text is not a mapping with the keys of a test file.';
    report.error('CAR103', headOf(tree), what, 'Begin with "topology: <name>".');
    return { test: undefined, diagnostics: report.diagnostics() };
  }
  const place = tree.entries[0]?.keySpan ?? headOf(tree);
  const section = new Section(report, 'test file', tree, place);
  const reader = new TestReader(report, words);
  const test = reader.file(section.only(['topology', 'devices', 'tests']), file);
  if (plan !== undefined && test !== undefined) checkNames(report, section, test, plan);
  return {
    test: report.hasErrors ? undefined : test,
    diagnostics: report.diagnostics(),
  };
}

class TestReader {
  readonly #report: Report;
  readonly #words: Words | null;

  constructor(report: Report, words: Words | null) {
    this.#report = report;
    this.#words = words;
  }

  file(section: Section, file: string): TopologyTest | undefined {
    const topology = section.neededText('topology', 'Name the topology that is tested.');
    const devices = this.#items(section, 'devices', 'device', (of) => this.#device(of));
    if (!section.has('tests')) section.missing('tests');
    const tests = this.#items(section, 'tests', 'test', (of) => this.#test(of));
    if (topology === undefined) return undefined;
    return { file, topology: topology.value, devices, tests };
  }

  #items<T>(
    section: Section,
    key: string,
    subject: string,
    read: (item: Section) => T | undefined,
  ): T[] {
    const list: ListTree | undefined = section.list(key);
    return (list?.items ?? []).flatMap((_, i) => {
      const item = section.item(key, i);
      const value = item === undefined ? undefined : read(item.as(`${subject} ${i + 1}`));
      return value === undefined ? [] : [value];
    });
  }

  #device(section: Section): TestDevice | undefined {
    if (this.#words === null) {
      section.choice('transport', TRANSPORTS);
      section.flag('online');
      return undefined;
    }
    const { fields, deviceClasses } = this.#words;
    section.only([fields.device, fields.member, 'class', 'transport', 'online']);
    const deviceId = section.neededText(fields.device);
    const memberId = section.neededText(fields.member);
    for (const key of ['class', 'transport']) if (!section.has(key)) section.missing(key);
    const deviceClass = section.choice('class', deviceClasses.names);
    const transport = section.choice('transport', TRANSPORTS);
    const online = section.flag('online') ?? false;
    if (deviceId === undefined || memberId === undefined) return undefined;
    if (deviceClass === undefined || transport === undefined) return undefined;
    return {
      deviceId: deviceId.value,
      memberId: memberId.value,
      class: deviceClass,
      transport,
      online,
      where: section.place,
    };
  }

  #test(section: Section): TestCase | undefined {
    section.only(['it', 'devices', 'feed', 'expect', 'dropped']);
    const it = section.neededText('it', 'Say what the test shows: it: spares the device …');
    for (const key of ['feed', 'expect']) if (!section.has(key)) section.missing(key);
    const devices = this.#items(section, 'devices', 'device', (of) => this.#device(of));
    const feed = this.#items(section, 'feed', 'feed', (of) => this.#feed(of));
    const expect = this.#items(section, 'expect', 'expect', (of) => this.#expect(of));
    const dropped = this.#items(section, 'dropped', 'dropped', (of) => this.#drop(of));
    this.#checkOrder(section, feed);
    if (it === undefined) return undefined;
    return {
      it: it.value,
      where: section.place,
      devices,
      feed,
      expect,
      dropped: section.has('dropped') ? dropped : undefined,
    };
  }

  #feed(section: Section): FeedLine | undefined {
    section.only(['at', 'stream', 'topic', 'key', 'value']);
    const atMs = this.#at(section);
    const to = this.#oneOf(section, 'stream', 'topic');
    const key = section.neededText('key');
    if (!section.has('value')) section.missing('value');
    const value = jsonOf(section.tree('value'));
    if (atMs === undefined || to === undefined || key === undefined || value === undefined) {
      return undefined;
    }
    const { first: stream, second: topic } = to;
    return { atMs, stream, topic, key: key.value, value, where: section.place };
  }

  #expect(section: Section): ExpectLine | undefined {
    section.only(['at', 'sink', 'topic', 'priority', 'key', 'code', 'value']);
    const atMs = this.#at(section);
    const from = this.#oneOf(section, 'sink', 'topic');
    const key = section.neededText('key');
    const priority = section.text('priority')?.value;
    const code = section.text('code')?.value;
    if (atMs === undefined || from === undefined || key === undefined) return undefined;
    const { first: sink, second: topic } = from;
    const value = jsonOf(section.tree('value'));
    const { place: where } = section;
    return { atMs, sink, topic, priority, key: key.value, code, value, where };
  }

  #drop(section: Section): DropLine | undefined {
    section.only(['at', 'step', 'reason', 'count']);
    const atMs = this.#at(section);
    const step = section.neededText('step', 'Name it: stream/step.');
    const reason = section.neededText('reason');
    const written = section.scalar('count');
    const count =
      written === undefined
        ? 1
        : readCount(this.#report, `${section.subject}: count`, written, { min: 1 });
    if (step === undefined) return undefined;
    const slash = step.value.indexOf('/');
    if (slash < 1 || slash === step.value.length - 1) {
      const what = `${section.subject}: "${step.value}" does not name a step.`;
      this.#report.error('CAR103', step.span, what, 'Write stream/step: viewing-activity/dedup.');
      return undefined;
    }
    if (atMs === undefined || reason === undefined || count === undefined) return undefined;
    return {
      atMs,
      stream: step.value.slice(0, slash),
      step: step.value.slice(slash + 1),
      reason: reason.value,
      count,
      where: section.place,
    };
  }

  #at(section: Section): number | undefined {
    if (!section.has('at')) return section.missing('at', 'Say when: at: 0s.');
    const at = section.scalar('at');
    return at === undefined
      ? undefined
      : readDuration(this.#report, `${section.subject}: at`, at, {});
  }

  #oneOf(section: Section, first: string, second: string) {
    if (section.has(first) && section.has(second)) {
      const what = `${section.subject}: it has both ${first} and ${second}.`;
      this.#report.error('CAR103', section.entry(second)!.keySpan, what, `Write one of them.`);
      return undefined;
    }
    if (section.has(second)) {
      const text = section.text(second);
      return text === undefined ? undefined : { first: undefined, second: text.value };
    }
    const text = section.neededText(first);
    return text === undefined ? undefined : { first: text.value, second: undefined };
  }

  /** The clock never goes back, so a line before the one above it could not be fed when it says. */
  #checkOrder(section: Section, feed: readonly FeedLine[]): void {
    for (const [i, line] of feed.entries()) {
      const before = feed[i - 1];
      if (before === undefined || line.atMs >= before.atMs) continue;
      const span = section.item('feed', i)?.tree('at')?.span ?? section.span;
      this.#report.error('CAR112', span, `feed ${i + 1}: it is before the line above it.`);
    }
  }
}

function jsonOf(tree: Tree | undefined): Json | undefined {
  if (tree === undefined) return undefined;
  if (tree.kind === 'scalar') return tree.value;
  if (tree.kind === 'list') return tree.items.map((item) => jsonOf(item) ?? null);
  return Object.fromEntries(tree.entries.map(({ key, value }) => [key, jsonOf(value) ?? null]));
}
