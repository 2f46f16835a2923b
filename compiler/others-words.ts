/** What steps of other systems are here, for who comes from them. */

const RESULTS = 'Write - aggregate: { tumbling: { size: 1m }, fields: { n: count() } }.';
const KEYED = 'Write - rekey: { by: value.a }, and then - aggregate, which is by the key.';
const TWO = 'Write - join with a table, or - join_streams with a stream.';

/** By the name in small letters, without `_` and `-`. */
const STEPS: { readonly [name: string]: string } = {
  groupby: KEYED,
  groupbykey: 'Write - aggregate: it is by the key.',
  windowedby: RESULTS,
  window: RESULTS,
  tumble: RESULTS,
  hop: RESULTS,
  count: RESULTS,
  reduce: RESULTS,
  sum: RESULTS,
  suppress: 'Write emit: final in - aggregate: a window is told once, when it closes.',
  mapvalues: 'Write - map: { fields: { a: value.a } }.',
  mapping: 'Write - map: { fields: { a: value.a } }.',
  project: 'Write - map: { fields: { a: value.a } }.',
  select: 'Write - map: { fields: { a: value.a } }.',
  flatmapvalues: 'Write - flat_map: { of: value.list }.',
  unnest: 'Write - flat_map: { of: value.list }.',
  selectkey: 'Write - rekey: { by: value.a }.',
  keyby: 'Write - rekey: { by: value.a }.',
  through: 'Write - rekey: { by: value.a }, whose topic the engine makes.',
  repartition: 'Write - rekey: { by: value.a }, whose topic the engine makes.',
  filternot: 'Write - filter: { where: \'!(value.a == "x")\' }.',
  branch: 'Write branch: beside steps:, a list of { when, as }.',
  split: 'Write branch: beside steps:, a list of { when, as }.',
  switch: 'Write branch: beside steps:, a list of { when, as }.',
  merge: 'Write from: { streams: [a, b] } in a stream of its own.',
  union: 'Write from: { streams: [a, b] } in a stream of its own.',
  leftjoin: `${TWO} Both take type: left.`,
  outerjoin: `${TWO} The latter takes type: outer.`,
  foreach: 'Write - peek: {}, or a step of your own: carillon new processor.',
  print: 'Write - peek: {}, and look on with carillon tail.',
  log: 'Write - peek: {}, and look on with carillon tail.',
  process: 'Write a step of your own: carillon new processor.',
  transform: 'Write a step of your own: carillon new processor.',
  transformvalues: 'Write a step of your own: carillon new processor.',
  bloblang: 'Write - map: { fields: { a: value.a } }, or a step of your own.',
  to: 'Write to: beside steps:, { lane: … } or { topic: …, schema: … }.',
  deduplicate: 'Write - dedup: { by: [value.eventId] }.',
  distinct: 'Write - dedup: { by: [value.eventId] }.',
  ratelimit: 'Write - throttle: { by: [value.a], max: 3, per: 1h }.',
  debounce: 'Write - coalesce: { by: [value.a], quiet: 2s, at_most: 10s }.',
  batch: 'Write - digest: { by: [value.a], within: 15m }.',
};

/** What a step of that name of another system is here; undefined: none is known. */
export function stepOfOthers(name: string): string | undefined {
  const plain = name.toLowerCase().replaceAll(/[_-]/g, '');
  return Object.hasOwn(STEPS, plain) ? STEPS[plain] : undefined;
}
