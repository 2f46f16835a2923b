/**
 * What is wrong with the topics of a topology when all of it is known: names that the engine has
 * for itself, names that Kafka takes for one, and records that come round to where they were.
 */

import { asideTopicOf } from './asides.ts';
import type { TopicMention } from './declarations.ts';
import { ACKNOWLEDGEMENTS } from './engine-tables.ts';
import {
  appliedName,
  type Plan,
  partId,
  type StreamPlan,
  type TopicPlan,
  upstreamsOf,
} from './plan.ts';
import type { Report } from './report.ts';

export function checkTopics(report: Report, plan: Plan, mentions: readonly TopicMention[]): void {
  const written = mentions.filter((mention) => !isHidden(mention));
  checkOwn(report, plan, mentions);
  checkCollisions(report, plan, mentions);
  checkCircles(report, plan, written);
}

/** The engine alone writes it and reads it. */
const isHidden = ({ use }: Pick<TopicPlan, 'use'>) =>
  use === 'changelog' || use === 'repartition' || use === 'retry' || use === 'ticks';

/** What is read and written by the engine alone, and in a form of its own. */
function checkOwn(report: Report, plan: Plan, mentions: readonly TopicMention[]): void {
  const own = new Map<string, string>([[appliedName(plan.topology), 'applied']]);
  for (const { name, use } of plan.topics.filter(isHidden)) own.set(name, use);
  // Where a file has named it before, it is known as something else.
  for (const { topic, use } of mentions.filter(isHidden)) own.set(topic.value, use);
  const acknowledged = plan.topics.some(
    ({ name, use }) => name === ACKNOWLEDGEMENTS.topic && use === 'table',
  );
  for (const { subject, topic, use } of mentions) {
    if (isHidden({ use })) continue;
    const isRead = use === 'events' || use === 'table';
    const isAcked = acknowledged && !isRead && topic.value === ACKNOWLEDGEMENTS.topic;
    const known = isAcked ? 'table' : own.get(topic.value);
    if (known === undefined) continue;
    const what = `${subject}: topic "${topic.value}" is the engine's own (${known}).`;
    const mend = isRead ? 'Read a topic of its own.' : 'Write to a topic of its own.';
    report.error('CAR215', topic.span, what, mend);
  }
}

/** Kafka names metrics of a topic with `_` for `.`, and makes no two that would be one there. */
function checkCollisions(report: Report, plan: Plan, mentions: readonly TopicMention[]): void {
  const names = [...plan.topics.map(({ name }) => name), appliedName(plan.topology)];
  const first = new Map<string, string>();
  const told = new Set<string>();
  for (const name of names) {
    const form = name.replaceAll('.', '_');
    const other = first.get(form) ?? name;
    first.set(form, other);
    if (other === name || told.has(name)) continue;
    told.add(name);
    const place = mentions.find(({ topic }) => topic.value === name);
    const [at, beside] = place === undefined ? [other, name] : [name, other];
    const { subject, topic } = place ?? mentions.find((one) => one.topic.value === other)!;
    const what = `${subject}: topic "${at}" is "${beside}" to Kafka, which tells no "." from "_".`;
    report.error('CAR270', topic.span, what);
  }
}

interface Edges {
  /** By topic or part of a stream, with a mark before it. */
  readonly next: ReadonlyMap<string, readonly string[]>;
  readonly streams: readonly StreamPlan[];
}

const ofTopic = (topic: string) => `topic ${topic}`;
const ofStream = (id: string) => `stream ${id}`;

function checkCircles(report: Report, plan: Plan, written: readonly TopicMention[]): void {
  const { next, streams } = edgesOf(plan);
  const names = new Map(streams.map((stream) => [ofStream(partId(stream)), stream.name]));
  const hops = streams.flatMap(({ to }) => (to.kind === 'repartition' ? to.topic : []));
  const hidden = new Set(hops.map(ofTopic));
  const told = new Set<string>();
  for (const stream of streams) {
    const start = ofStream(partId(stream));
    for (const topic of topicsOf(stream)) {
      const way = wayBetween(next, ofTopic(topic), start);
      if (way === undefined || way.some((node) => told.has(node))) continue;
      for (const node of way) told.add(node);
      const mine = `stream "${stream.name}"`;
      const all = written.filter((one) => one.topic.value === topic && isWritten(one));
      const place = all.find(({ subject }) => subject.startsWith(mine)) ?? all[0];
      if (place === undefined) continue;
      const seen = [start, ...way].filter((node) => !hidden.has(node));
      const circle = seen.map((node) => names.get(node) ?? node.slice('topic '.length));
      const round = circle.filter((name, i) => name !== circle[i - 1]).join(' → ');
      report.error('CAR234', place.topic.span, `${mine}: it comes back to itself: ${round}.`);
    }
  }
}

const isWritten = ({ use }: TopicMention) => use === 'output' || use === 'lane';

function edgesOf({ subTopologies }: Plan): Edges {
  const next = new Map<string, string[]>();
  const add = (from: string, to: string) => next.set(from, [...(next.get(from) ?? []), to]);
  const streams = new Map<string, StreamPlan>();
  for (const sub of subTopologies) {
    // Those of the engine come to an end by themselves.
    if (sub.role !== 'streams' && !sub.role.startsWith('streams/')) continue;
    for (const stream of sub.streams) streams.set(partId(stream), stream);
  }
  for (const [id, stream] of streams) {
    const { topic } = stream.source;
    if (topic !== null) add(ofTopic(topic), ofStream(id));
    for (const upstream of upstreamsOf(stream)) add(ofStream(partId(upstream)), ofStream(id));
    for (const written of topicsOf(stream)) add(ofStream(id), ofTopic(written));
    if (stream.to.kind === 'repartition') add(ofStream(id), ofTopic(stream.to.topic));
  }
  return { next, streams: [...streams.values()] };
}

/** That somebody else could read: what a rekey writes goes on in the stream itself. */
function topicsOf({ to, steps }: StreamPlan): readonly string[] {
  const asides = steps.flatMap((step) => asideTopicOf(step) ?? []);
  if (to.kind === 'topic') return [...to.topics.map(({ topic }) => topic), ...asides];
  if (to.kind !== 'lane') return asides;
  const { lane, transports } = to;
  const lanes = lane.priorities.flatMap((of) => transports.map((by) => lane.topicOf(of, by)));
  return [...lanes, ...asides];
}

/** The shortest, with both its ends; undefined: there is none. */
function wayBetween(next: Edges['next'], from: string, to: string): readonly string[] | undefined {
  const before = new Map<string, string | null>([[from, null]]);
  const open = [from];
  for (const node of open) {
    if (node === to) {
      const way: string[] = [];
      for (let at: string | null = node; at !== null; at = before.get(at) ?? null) way.unshift(at);
      return way;
    }
    for (const one of next.get(node) ?? []) {
      if (before.has(one)) continue;
      before.set(one, node);
      open.push(one);
    }
  }
  return undefined;
}
