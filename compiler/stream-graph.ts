/**
 * Streams that go on with what others give: `from: { streams: [a, b.urgent] }`. Each is resolved
 * after those that it reads, whatever the order in the file, so that its steps are checked against
 * what really comes.
 */
import type { Priorities } from '../core/priority.ts';
import { makesOthers } from '../core/step-facts.ts';
import { both, NONE, union } from './cel-facts.ts';
import type { Scope } from './declarations.ts';
import type { JoinedStream } from './joined-streams.ts';
import { notKnown } from './origins.ts';
import type { PriorityRule, UpstreamPlan } from './plan.ts';
import { didYouMean, listed, type Report, type Span } from './report.ts';
import { leavesRetracted } from './retracted-checks.ts';
import { emptyMend, headOf, isTold, kindOf, type Placed, type Section } from './section.ts';
import { sameShape, shapeName } from './shape.ts';
import type { ResolvedSource } from './sources.ts';
import type { ResolvedStream } from './streams.ts';

/** A stream as it is named by one that reads it: `b`, or a branch of it, `b.urgent`. */
interface Read {
  readonly stream: string;
  /** Null: it is named without a branch. */
  readonly branch: string | null;
  readonly place: Placed;
}

export interface GraphScope {
  resolve(name: string, section: Section): ResolvedStream | undefined;
  /** What the steps of a stream name as their other stream; null: it cannot be read. */
  joinedBy(section: Section): readonly (Placed | null)[];
}

/** What comes from others, and how urgent it is. */
export interface Derived {
  readonly source: ResolvedSource;
  readonly priority: PriorityRule | null;
}

export class StreamGraph {
  readonly #report: Report;
  readonly #priorities: Priorities;
  readonly #sections: ReadonlyMap<string, Section | undefined>;
  /** By who reads. */
  readonly #reads = new Map<string, readonly Read[]>();
  /** By whose steps do. */
  readonly #joins = new Map<string, readonly Read[]>();
  readonly #resolved = new Map<string, ResolvedStream | undefined>();
  /** What some stream reads is not said in a form that can be read. */
  #isBroken = false;
  /** On the way from the one that is asked for. */
  readonly #way: string[] = [];
  readonly #scope: GraphScope;

  constructor(
    { report, priorities }: Pick<Scope, 'report' | 'priorities'>,
    streams: Section,
    scope: GraphScope,
  ) {
    this.#report = report;
    this.#priorities = priorities;
    this.#scope = scope;
    const entries = [...streams.entries].map(({ key }) => [key, streams.section(key)] as const);
    this.#sections = new Map(entries);
    for (const [name, section] of this.#sections) {
      const from = section?.as(`stream "${name}"`).section('from');
      const items = from?.list('streams')?.items ?? [];
      const reads = items.flatMap((item): Read[] => {
        if (item.kind !== 'scalar' || typeof item.value !== 'string') return [];
        return [readOf({ value: item.value, span: item.span })];
      });
      this.#reads.set(name, reads);
      const joined = section === undefined ? [] : scope.joinedBy(section);
      const names = joined.flatMap((place) => place ?? []);
      this.#joins.set(name, names.map(readOf));
      if (names.length < joined.length) this.#isBroken = true;
      // It may well name the streams that it reads.
      const isOther = from?.has('topic') !== true && from?.has('clock') !== true;
      if (isOther && from?.has('streams') !== true) this.#isBroken = true;
      const isWhole = reads.length === items.length && items.length > 0;
      if (from?.has('streams') === true && !isWhole) this.#isBroken = true;
    }
  }

  /** In the order of the file. */
  all(): (ResolvedStream | undefined)[] {
    return [...this.#sections.keys()].map((name) => this.#stream(name));
  }

  /** Who reads a stream: it has no end of its own then. */
  readersOf(name: string): readonly string[] {
    const reads = (of: readonly Read[]) => of.some(({ stream }) => stream === name);
    return [...this.#reads].flatMap(([reader, of]) => {
      // A stream that joins itself is told of, and ends as it says.
      const joins = reader === name ? [] : this.#joins.get(reader)!;
      return reads(of) || reads(joins) ? [reader] : [];
    });
  }

  /** A step of another stream is handed its records. */
  isJoined(name: string): boolean {
    return [...this.#joins.values()].flat().some(({ stream }) => stream === name);
  }

  get #all(): readonly Read[] {
    return [...this.#reads.values(), ...this.#joins.values()].flat();
  }

  /**
   * Branches of a stream that nobody reads; none where a name is read that is not there, as it may
   * well be the one that was meant.
   */
  unread(name: string, branches: readonly string[]): readonly string[] {
    const read = this.#all.flatMap(({ stream, branch }) => (stream === name ? [branch ?? ''] : []));
    if (this.namesUnknown || read.some((branch) => !branches.includes(branch))) return [];
    return branches.filter((branch) => !read.includes(branch));
  }

  /** Some stream reads what is not there: who seems to be read by nobody may be meant. */
  get namesUnknown(): boolean {
    // A stream that joins itself means another one.
    const isOwn = [...this.#joins].some(([name, of]) => of.some(({ stream }) => stream === name));
    return this.#isBroken || isOwn || this.#all.some(({ stream }) => !this.#sections.has(stream));
  }

  /** Undefined when it is not known what comes. */
  derived(name: string, subject: string, from: Section): Derived | undefined {
    const list = from.only(['streams']).list('streams');
    if (list === undefined) return undefined;
    for (const item of list.items) this.#checkItem(subject, item);
    if (list.items.length === 0) {
      const what = `${subject}: streams is an empty list.`;
      this.#report.error('CAR103', headOf(list), what, 'Name at least one: [flights].');
    }
    const reads = this.#reads.get(name) ?? [];
    const told = new Set<string>();
    for (const { place } of reads) {
      if (told.has(place.value)) {
        this.#report.error('CAR314', place.span, `${subject}: streams has "${place.value}" twice.`);
      }
      told.add(place.value);
    }
    const found = reads.map((read) => this.#upstream(name, subject, read));
    if (found.length === 0 || found.length < list.items.length) return undefined;
    if (found.includes(undefined)) return undefined;
    return this.#merged(subject, reads, found as ResolvedStream[]);
  }

  /** The other stream of a step of `name`; undefined when something was told, here or there. */
  joined(name: string, subject: string, place: Placed): JoinedStream | undefined {
    const read = readOf(place);
    const found = this.#upstream(name, subject, read);
    if (found === undefined) return undefined;
    // A step has its name without the quotes.
    const isHere = ({ start, end }: Span) => start <= place.span.start && place.span.end <= end;
    const others = this.#joins.get(name)!.filter((one) => !isHere(one.place.span));
    const own = [...this.#sourceWays(name), ...others.flatMap((one) => this.#waysOf(one))];
    const isTwice =
      found.isWhole &&
      meet(
        own.map((way) => [...way, { stream: name, branch: null }]),
        this.#waysOf(read),
      );
    return {
      source: outputOf(found, read.branch),
      priority: found.isWhole ? found.priority : (found.priority ?? undefined),
      upstream: upstreamOf(found, read.branch, isTwice),
    };
  }

  #checkItem(subject: string, item: Parameters<typeof headOf>[0]): void {
    if (isTold(item) || (item.kind === 'scalar' && typeof item.value === 'string')) return;
    const what = `${subject}: ${kindOf(item)} is not a stream's name.`;
    const mend = emptyMend(item) ?? 'Write [flights, bookings.urgent].';
    this.#report.error('CAR103', headOf(item), what, mend);
  }

  #stream(name: string): ResolvedStream | undefined {
    if (this.#resolved.has(name)) return this.#resolved.get(name);
    const section = this.#sections.get(name);
    this.#way.push(name);
    const resolved = section === undefined ? undefined : this.#scope.resolve(name, section);
    this.#way.pop();
    this.#resolved.set(name, resolved);
    return resolved;
  }

  #upstream(name: string, subject: string, read: Read): ResolvedStream | undefined {
    const { stream, branch, place } = read;
    if (!this.#sections.has(stream)) {
      const what = `${subject}: stream "${stream}" is not declared.`;
      const names = [...this.#sections.keys()].filter((other) => other !== name);
      this.#unknown(place.span, what, stream, names);
      return undefined;
    }
    if (this.#way.includes(stream)) {
      const circle = [...this.#way.slice(this.#way.indexOf(stream)), stream].join(' → ');
      this.#report.error('CAR234', place.span, `${subject}: it comes back to itself: ${circle}.`);
      return undefined;
    }
    const found = this.#stream(stream);
    if (found?.to?.kind !== 'streams') return undefined;
    const branches = found.to.branches.map((one) => one.name);
    if (branches.includes(branch ?? '')) return found;
    const known = branches.filter((one) => one !== '').map((one) => `${stream}.${one}`);
    const what =
      branch === null
        ? `${subject}: "${stream}" has branches, and each is read by its name.`
        : `${subject}: "${stream}" has no branch "${branch}".`;
    this.#unknown(place.span, what, place.value, known.length === 0 ? [stream] : known);
    return undefined;
  }

  /** Whether one event may come to a stream on two ways, by two of those that it reads. */
  #meetsAgain(reads: readonly Read[]): boolean {
    const ways = reads.map((read) => this.#waysOf(read));
    return ways.some((mine, i) => ways.slice(i + 1).some((others) => meet(mine, others)));
  }

  /** Read as they are, and once more by a stream that passes them on: all of it comes twice. */
  #tellTwice(subject: string, reads: readonly Read[]): void {
    for (const { place, stream, branch } of reads) {
      const other = reads.find(
        (one) => one.stream !== stream && this.#passesOn(one.stream, stream, branch),
      );
      if (other === undefined) continue;
      const what =
        `${subject}: "${other.place.value}" gives on what it reads of "${place.value}", so each of ` +
        'its records comes twice, with two ids.';
      this.#report.warning('CAR275', other.place.span, what);
    }
  }

  /** Whether all that a stream gives are records of the other one, each once. */
  #passesOn(name: string, stream: string, branch: string | null): boolean {
    const resolved = this.#resolved.get(name);
    const steps = resolved?.parts.flatMap(({ steps: { steps } }) => steps) ?? [];
    if (steps.some(({ spec }) => makesOthers(spec) || spec.gives?.kind === 'gathered'))
      return false;
    const reads = this.#reads.get(name) ?? [];
    return reads.some(
      (one) =>
        (one.stream === stream && one.branch === branch) ||
        this.#passesOn(one.stream, stream, branch),
    );
  }

  /** `from`: those that have been passed; in a circle, which is told, there is no first way. */
  #waysOf({ stream, branch }: Read, from: readonly string[] = []): readonly Way[] {
    if (from.includes(stream)) return [];
    const passed = [...from, stream];
    const joined = (this.#joins.get(stream) ?? []).flatMap((read) => this.#waysOf(read, passed));
    const before = [...this.#sourceWays(stream, passed), ...joined];
    return before.map((way) => [...way, { stream, branch }]);
  }

  #sourceWays(stream: string, passed: readonly string[] = [stream]): readonly Way[] {
    const from = this.#sections.get(stream)?.section('from');
    const topic = from?.has('clock') === true ? `clock of ${stream}` : from?.text('topic')?.value;
    return topic === undefined
      ? (this.#reads.get(stream) ?? []).flatMap((read) => this.#waysOf(read, passed))
      : [[{ stream: `topic ${topic}`, branch: null }]];
  }

  #unknown(span: Span, what: string, written: string, known: readonly string[]): void {
    const mend = didYouMean(written, known, `Known: ${listed(known)}.`);
    this.#report.error('CAR233', span, what, mend);
  }

  /** What comes from several is one stream: it has one form, and one rule of priorities. */
  #merged(
    subject: string,
    reads: readonly Read[],
    streams: readonly ResolvedStream[],
  ): Derived | undefined {
    const sources = streams.map((one, i) => outputOf(one, reads[i]!.branch));
    const [first, ...others] = sources;
    const rules = streams.map(({ priority }) => ruleText(this.#priorities, priority));
    const isWhole = streams.every((one) => one.isWhole);
    for (const [i, other] of isWhole ? others.entries() : []) {
      const { place } = reads[i + 1]!;
      const isRuled = rules[i + 1] === rules[0];
      if (isRuled && isSameForm(first!, other)) continue;
      const say = (n: number, of: ResolvedSource) =>
        `"${reads[n]!.place.value}" (line ${this.#sections.get(reads[n]!.stream)!.place.line}) ` +
        (isRuled ? `gives ${formName(of)}` : `has priority ${rules[n]}`);
      const what = `${subject}: ${say(0, first!)}, and ${say(i + 1, other)}.`;
      this.#report.error('CAR235', place.span, what, isRuled ? formMend(first!, other) : RULE_MEND);
      return undefined;
    }
    if (isWhole) this.#tellTwice(subject, reads);
    // Of what is broken some may go in a circle, and would have no first way.
    const isTwice = isWhole && this.#meetsAgain(reads);
    const source: ResolvedSource = {
      ...first!,
      ...(sources.some(({ isPartial }) => isPartial === true) ? { isPartial: true } : {}),
      retracts: sources.some(({ retracts }) => retracts === true),
      known: sources.map(({ known = NONE }) => known).reduce(both),
      streams: reads.map(({ branch }, i) => upstreamOf(streams[i]!, branch, isTwice)),
      member: others.every(({ member }) => member?.path === first!.member?.path)
        ? first!.member
        : null,
      keyedBy: others.every(({ keyedBy }) => keyedBy === first!.keyedBy) ? first!.keyedBy : null,
    };
    return { source, priority: streams[0]!.priority };
  }
}

function upstreamOf(
  { useCase, parts, name }: ResolvedStream,
  branch: string | null,
  isTwice: boolean,
): UpstreamPlan {
  const mark = isTwice ? { mark: `@${useCase}${branch === null ? '' : `.${branch}`}` } : {};
  return { useCase, part: parts.at(-1)!.name, name, branch: branch ?? '', ...mark };
}

function readOf(place: Placed): Read {
  const [stream = '', ...branch] = place.value.split('.');
  return { stream, branch: branch.length === 0 ? null : branch.join('.'), place };
}

/** A step on the way of an event: the topic, then each stream that gives it on. */
interface Via {
  readonly stream: string;
  readonly branch: string | null;
}

type Way = readonly Via[];

/** Whether one event may take a way of each. */
function meet(mine: readonly Way[], others: readonly Way[]): boolean {
  return mine.some((a) => others.some((b) => !arePathsApart(a, b)));
}

/**
 * Of two ways no event takes both when they come from two topics, or part at a stream's branches.
 */
function arePathsApart(a: Way, b: Way): boolean {
  const i = a.findIndex(({ stream, branch }, n) => {
    return stream !== b[n]?.stream || branch !== b[n]?.branch;
  });
  return i === 0 || (i > 0 && a[i]!.stream === b[i]?.stream);
}

/** What the last part of a stream gives, as the source of who reads it. */
function outputOf({ parts, branches }: ResolvedStream, branch: string | null): ResolvedSource {
  const { from, steps } = parts.at(-1)!;
  const { member } = from;
  const isKept = member !== null && steps.originOf(member.path) === member.path;
  const isPartial = from.isPartial === true || steps.originOf === notKnown;
  return {
    topic: null,
    streams: [],
    schema: steps.isGiven ? '' : from.schema,
    time: null,
    id: null,
    member: isKept ? member : null,
    maxFutureMs: from.maxFutureMs,
    start: { kind: 'latest' },
    fields: new Set(),
    shape: steps.shape,
    isGiven: steps.isGiven,
    retracts: leavesRetracted(steps, from.retracts === true),
    known: union(steps.known, branches.get(branch ?? '') ?? NONE),
    keyedBy: from.keyedBy ?? member?.path ?? null,
    ...(isPartial ? { isPartial } : {}),
  };
}

function isSameForm(a: ResolvedSource, b: ResolvedSource): boolean {
  if (a.isGiven !== b.isGiven) return false;
  return a.isGiven ? sameShape(a.shape, b.shape) : a.schema === b.schema;
}

function formName({ isGiven, schema, shape }: ResolvedSource): string {
  if (!isGiven) return schema;
  if (shape.kind !== 'record') return `a ${shapeName(shape)}`;
  const fields = [...shape.fields].map(([name, of]) => `${name}: ${shapeName(of)}`);
  return `a given value { ${fields.join(', ')} }`;
}

function formMend(a: ResolvedSource, b: ResolvedSource): string {
  return a.isGiven && b.isGiven
    ? 'Give both the same fields, of the same types, with map.'
    : 'Give all of them the same fields with map, or read one schema.';
}

const RULE_MEND = 'Say the same priority in both, or let each write for itself and share a chain.';

function ruleText(priorities: Priorities, rule: PriorityRule | null): string {
  if (rule === null) return 'none';
  const unless = rule.unless.map(({ when, as }) => `${priorities.nameOf(as)} when ${when.source}`);
  return [priorities.nameOf(rule.as), ...unless].join(', ');
}
