/**
 * The mappings that people write short, as a text: `from: events.order` in the place of
 * `from: { topic: events.order, … }`. What is meant can be shown to them.
 */

type Form = (text: string) => string;

const SOURCE: Form = (text) =>
  `from: { topic: ${text}, schema: … }, or of a stream of this file from: { streams: [${text}] }`;
const SINK: Form = (text) => `from: { lane: ${text}, transport: … }`;
const TABLE_FROM: Form = (text) => `from: { table: ${text}, join: …, as: … }`;
const TARGET: Form = (text) => `to: { lane: ${text} }, or to: { topic: ${text}, schema: … }`;
const TYPE: Form = (text) => `to: { type: ${text}, … }`;
const PRIORITY: Form = (text) => `priority: { as: ${text} }`;
const LANE: Form = () =>
  '{ topic: notifications.{priority}.{transport}, schema: DeviceNotification, key: value.deviceId }';

/** By what has the mapping, and its key; `*`: any. */
const FORMS: { readonly [owner: string]: { readonly [key: string]: Form } } = {
  stream: { from: SOURCE, to: TARGET, priority: PRIORITY },
  sink: { from: SINK, to: TYPE },
  table: { from: TABLE_FROM },
  topology: { on_error: (text) => `on_error: { attempts: 3, then: ${text}, topic: dead-letters }` },
  'topology, tables': { '*': (text) => `{ topic: ${text}, schema: …, key: … }` },
  'topology, lanes': { '*': LANE },
  'topology, streams': {
    '*': (text) => `{ id: …, from: { topic: ${text}, schema: … }, to: { … } }`,
  },
  'topology, sinks': {
    '*': (text) => `{ from: { lane: …, transport: … }, to: { type: ${text} } }`,
  },
};

/** Of a name, or a word: anything else is hardly the value that is meant. */
const WORD = /^[\w.-]{1,249}$/;

/**
 * How the mapping `key` of `subject` (`stream "x"`, `topology, tables`) looks. `text`: what stands
 * there, unless it came from the environment. Undefined: it is none that is written short.
 */
export function formOf(subject: string, key: string, text: string | undefined): string | undefined {
  const owner = /^(?:topology(?:, \w+)?$|(?:stream|sink|table) (?="[^"]*"$))/.exec(subject)?.[0];
  const forms = FORMS[owner?.trim() ?? ''];
  const form = forms !== undefined && Object.hasOwn(forms, key) ? forms[key] : forms?.['*'];
  return form?.(text !== undefined && WORD.test(text) ? text : '…');
}
