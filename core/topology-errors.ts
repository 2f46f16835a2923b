/** The errors of topology and test files: 1xx text, 2xx graph, 3xx options, 4xx schemas. */

import { DERIVED_ERRORS } from './derived-errors.ts';
import type { ErrorEntry } from './error-entry.ts';
import { GRAPH_ERRORS } from './graph-errors.ts';
import { JOIN_ERRORS } from './join-errors.ts';

// biome-ignore-start lint/suspicious/noTemplateCurlyInString: it shows how a variable is written.
export const TOPOLOGY_ERRORS = {
  CAR101: {
    slug: 'not-yaml',
    what: 'The text is not YAML.',
    mend: 'Check indentation, quotes and brackets at this place.',
  },
  CAR102: {
    slug: 'duplicate-key',
    what: 'A key stands twice in one mapping.',
    mend: 'Remove one of the two; YAML would keep only one, silently.',
  },
  CAR103: {
    slug: 'wrong-form',
    what: 'A value has another form than its key asks for.',
    mend: 'Write it in the form that the message names.',
  },
  CAR104: {
    slug: 'unknown-key',
    what: 'A key is not known at this place.',
    mend: 'Remove it, or move it to where it belongs.',
  },
  CAR105: {
    slug: 'missing-key',
    what: 'A key that this part needs is missing.',
    mend: 'Add it.',
  },
  CAR106: {
    slug: 'unset-variable',
    what: 'An environment variable that the text names is not set.',
    mend: 'Set it, or give a default: ${VAR:-default}.',
  },
  CAR107: {
    slug: 'not-a-variable',
    what: 'What follows `${` is not a variable.',
    mend: 'Write ${NAME} or ${NAME:-default}; a name has letters, digits and _.',
  },
  CAR108: {
    slug: 'bad-name',
    what: 'A name has characters that names here do not have.',
    mend: 'Write it in kebab-case: lower-case letters, digits and hyphens, at most 64 characters.',
  },
  CAR109: {
    slug: 'not-a-value',
    what: 'A value is not one of those that its key allows.',
    mend: 'Write one of the values that the message lists.',
  },
  CAR110: {
    slug: 'text-too-large',
    what: 'The text is larger than a file of this kind may be (1 MiB).',
    mend: 'Split it into several topologies.',
  },
  CAR111: {
    slug: 'no-anchors',
    what: 'The text uses YAML anchors or aliases.',
    mend: 'Write the steps once under `chains`, and copy them in with `use`.',
  },
  CAR112: {
    slug: 'not-in-time-order',
    what: 'A line of a test is before the one above it.',
    mend: 'Put the lines into the order of their times; the clock never goes back.',
  },
  CAR113: {
    slug: 'unseen-character',
    what: 'A character that is not seen, or only looks like a space, stands where YAML reads it.',
    mend: 'Write a plain space in its place, or nothing; editors can show such characters.',
  },
  CAR114: {
    slug: 'unquoted-variable',
    what: 'A variable stands without quotes between braces or brackets.',
    mend: 'Write it in quotes: "${NAME}".',
  },
  CAR115: {
    slug: 'several-documents',
    what: 'The text has several YAML documents.',
    mend: 'Write one topology a file; take the line with --- out, or move what follows it.',
  },
  CAR116: {
    slug: 'nested-too-deep',
    what: 'Mappings and lists are nested deeper than any file of ours needs.',
    mend: 'Write it flatter; a bracket that is opened again and again is nested too.',
  },
  CAR201: {
    slug: 'unknown-table',
    what: 'A table that is named is not declared.',
    mend: 'Declare it under `tables`.',
  },
  CAR202: {
    slug: 'unknown-lane',
    what: 'A lane that is named is not declared.',
    mend: 'Declare it under `lanes`.',
  },
  CAR203: {
    slug: 'unknown-chain',
    what: 'A chain that is named is not declared.',
    mend: 'Declare it under `chains`.',
  },
  CAR204: {
    slug: 'unknown-step',
    what: 'A step type is not in the catalog.',
    mend: 'All step types: carillon explain steps',
  },
  CAR205: {
    slug: 'unknown-sink',
    what: 'A sink type is not in the catalog.',
    mend: 'All sink types: carillon explain sinks',
  },
  CAR206: {
    slug: 'chain-in-circle',
    what: 'A chain copies itself in, directly or through others.',
    mend: 'Take one `use` out of the circle.',
  },
  CAR207: {
    slug: 'step-name-twice',
    what: 'Two steps of one stream have one name, and their state would be one.',
    mend: 'Give each a `name:` of its own; state is bound to it.',
  },
  CAR208: {
    slug: 'use-case-id-twice',
    what: 'Two streams have one id.',
    mend: 'Give each stream an id of its own; notification ids are derived from it.',
  },
  CAR209: {
    slug: 'no-priority',
    what: 'A stream of a topology with lanes says no priority.',
    mend: 'Add `priority: { as: normal }`.',
  },
  CAR210: {
    slug: 'no-such-priority',
    what: 'A stream may give a priority that its lane does not have.',
    mend: 'Add it to `priorities` of the lane, or give another.',
  },
  CAR211: {
    slug: 'no-such-transport',
    what: 'A transport is named that the lane does not have.',
    mend: 'Add it to `transports` of the lane, or name another.',
  },
  CAR212: {
    slug: 'no-fan-out',
    what: 'A stream writes to a lane, but no step makes one record per device.',
    mend: 'Add a fan_out step before the lane.',
  },
  CAR213: {
    slug: 'bad-lane-topic',
    what: 'The topic of a lane does not name its priority and transport.',
    mend: 'Write both: notifications.{priority}.{transport}.',
  },
  CAR214: {
    slug: 'bad-topic-name',
    what: 'A topic name is not one that Kafka takes.',
    mend: 'Use letters, digits, dots and hyphens, at most 249 characters.',
  },
  CAR215: {
    slug: 'topic-two-uses',
    what: 'One topic is used for two things, or with two schemas.',
    mend: 'Use a topic of its own for each; or one schema in both places.',
  },
  CAR216: {
    slug: 'no-streams',
    what: 'The topology has no streams.',
    mend: 'Add one under `streams`.',
  },
  CAR217: {
    slug: 'lane-unread',
    what: 'No sink tells the devices of this transport of a lane: they would hear of nothing.',
    mend: 'Add a sink for it, or take the transport out of the lane.',
  },
  CAR218: {
    slug: 'unused-chain',
    what: 'A chain is copied in nowhere, so its steps are not checked.',
    mend: 'Use it, or remove it.',
  },
  CAR219: {
    slug: 'step-not-in-sink',
    what: 'A step that keeps state or makes several records of one stands in a sink.',
    mend: 'Move it into the stream; a sink has gates and filters only.',
  },
  CAR220: {
    slug: 'join-not-by-key',
    what: 'A step looks up a table by something that is not the key of its stream.',
    mend: 'Look up by the key: other rows lie in other partitions.',
  },
  CAR221: {
    slug: 'priority-without-lanes',
    what: 'A stream says a priority, but the topology has no lanes.',
    mend: 'Declare a lane, or remove `priority`.',
  },
  CAR222: {
    slug: 'unknown-name',
    what: 'A test names a topology, stream, sink, step or reason that is not there.',
    mend: 'See the names: carillon describe',
  },
  CAR223: {
    slug: 'away-not-kept',
    what: 'No inbox keeps what devices of this transport are told while they are away.',
    mend: 'Let an inbox read all of the lane: from: { lane: …, transport: all }.',
  },
  ...GRAPH_ERRORS,
  CAR240: {
    slug: 'wrong-table',
    what: 'A step looks up in a table whose rows are of another schema than it reads.',
    mend: 'Name the table that has those rows.',
  },
  CAR241: {
    slug: 'wrong-key',
    what: 'A table or a lane has another key than its records are written with.',
    mend: 'Write the key that the message names.',
  },
  CAR242: {
    slug: 'wrong-lane-schema',
    what: 'A lane has another schema than that of a notification.',
    mend: 'Write schema: DeviceNotification.',
  },
  CAR243: {
    slug: 'wrong-transport',
    what: 'A sink reads a transport whose devices it does not reach.',
    mend: 'Let it read its own transport.',
  },
  CAR244: {
    slug: 'told-twice',
    what: 'One notification would be told to a device twice.',
    mend: 'Keep one of the two.',
  },
  CAR245: {
    slug: 'key-given-anew',
    what: 'A map gives the field that the key repeats another value, so that another member is told.',
    mend: "Give it the event's own: memberId: value.memberId.",
  },
  CAR246: {
    slug: 'no-effect',
    what: 'Something that is written has no effect.',
    mend: 'Take it out, or write what was meant.',
  },
  CAR247: {
    slug: 'always-lost',
    what: 'What comes by here is lost, always or nearly so.',
    mend: 'Write what was meant, or take it out.',
  },
  CAR248: {
    slug: 'internal-step',
    what: "A step of the engine's own stands in a topology.",
    mend: 'Take it out: every topology with lanes has it without a line of YAML.',
  },
  CAR249: {
    slug: 'table-unwritten',
    what: 'A table is read from a topic that nobody writes.',
    mend: 'Name the topic that the engine writes, or fill it from outside.',
  },
  CAR250: {
    slug: 'sink-needs-step',
    what: 'A sink lacks the step that finds what it needs.',
    mend: 'Add the step to the sink.',
  },
  ...JOIN_ERRORS,
  ...DERIVED_ERRORS,
  CAR270: {
    slug: 'topics-collide',
    what: 'Two topics have names that differ only in dots and underscores.',
    mend: 'Give one of them another name; best with dots and hyphens only.',
  },
  CAR280: {
    slug: 'field-given-twice',
    what: 'A step gives a field twice.',
    mend: 'Give one of the two another name.',
  },
  CAR282: {
    slug: 'wish-not-kept',
    what: 'A step leaves a member fewer transports, and the stream hands on to the others.',
    mend: 'Write `reach: first`, or `reach: all`, in the `to:` of the stream.',
  },
  CAR402: {
    slug: 'unknown-field',
    what: 'A field that is named is not in the schema.',
    mend: "Name one of the schema's fields, or add it to the schema with a default.",
  },
  CAR403: {
    slug: 'wrong-field-type',
    what: 'A field has a type that cannot be used for this.',
    mend: 'Name another field.',
  },
  CAR404: {
    slug: 'no-fields-inside',
    what: 'A path goes on into something that has no fields.',
    mend: 'End the path one field earlier.',
  },
  CAR405: {
    slug: 'unknown-symbol',
    what: 'An expression compares an enum with a text that is none of its symbols.',
    mend: 'Write one of the symbols that the message lists.',
  },
  CAR406: {
    slug: 'value-does-not-fit',
    what: 'What a stream writes does not fit the schema that its topic has.',
    mend: 'Give each field of the schema that has no default, in its type.',
  },
} as const satisfies { readonly [code: string]: ErrorEntry };
// biome-ignore-end lint/suspicious/noTemplateCurlyInString: as above.
