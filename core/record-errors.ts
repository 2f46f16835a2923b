/** Schemas, records and state at run time: 4xx that no topology text shows, 5xx, 8xx. */
import type { ErrorEntry } from './error-entry.ts';

export const RECORD_ERRORS = {
  CAR401: {
    slug: 'unknown-schema',
    what: 'A schema that is named is in none of the schema folders.',
    mend: 'Put an .avsc file of that record name into schemas/.',
  },
  CAR407: {
    slug: 'registered-not-avro',
    what: 'What the registry has for a topic or an id is not an Avro schema.',
    mend: 'Give the topic a subject of its own with an Avro schema, or name another topic.',
  },
  CAR408: {
    slug: 'schema-name-twice',
    what: 'Several records of the schema folders have the name that is written.',
    mend: 'Write the full name, with the namespace.',
  },
  CAR410: {
    slug: 'own-schema-replaced',
    what: "A file has the full name of a schema of Carillon's own, and does not fit it.",
    mend: 'Give it a namespace of your own, or keep all fields and add only fields with a default.',
  },
  CAR409: {
    slug: 'schema-defined-twice',
    what: 'Two files of one schema folder define the same type.',
    mend: 'Give one of them another name or namespace, or remove it.',
  },
  CAR420: {
    slug: 'schema-folder-unreadable',
    what: 'A folder of Avro schemas cannot be read.',
    mend: 'Check the path (`schemas` in carillon.yaml) and its permissions.',
  },
  CAR421: {
    slug: 'not-avro-schema',
    what: 'An .avsc file does not hold a schema that Avro allows.',
    mend: 'Correct the place that is named; a file is { "type": "record", "name": …, "fields": […] }.',
  },
  CAR422: {
    slug: 'schema-not-readable',
    what: 'What is registered for a topic cannot be read with the schema of the topology.',
    mend: 'Give the new field a default, or keep the old type; then start again.',
  },
  CAR423: {
    slug: 'schema-partly-readable',
    what: 'Of what is registered for a topic some values, or a field that nothing reads, cannot be read.',
    mend: 'Give the field or the enum a default, or bring the schema of the topology up to date.',
  },
  CAR424: {
    slug: 'logical-type-ignored',
    what: 'A logical type stands where Avro ignores it: the values are those of the type below.',
    mend: 'Write it in a type that it is for, as { "type": "long", "logicalType": "timestamp-millis" }, or take it out.',
  },
  CAR501: {
    slug: 'not-wire-format',
    what: 'A value is not in the Confluent wire format (magic byte 0, 4-byte schema id, Avro).',
    mend: 'Send with an Avro serializer, or over HTTP to /v1/events.',
  },
  CAR502: {
    slug: 'unknown-schema-id',
    what: 'The schema id of a value is not in the registry.',
    mend: "Check that producer and pipeline use one registry; then send the record's event again.",
  },
  CAR503: {
    slug: 'not-decodable',
    what: 'A value does not decode with the schema that it names.',
    mend: 'Look at the raw bytes of the dead letter; the producer wrote with another schema.',
  },
  CAR504: {
    slug: 'wrong-partition',
    what: "A record's key does not hash to the partition that it lies in.",
    mend: 'Set the producer to the murmur2 partitioner (librdkafka: partitioner=murmur2_random).',
  },
  CAR505: {
    slug: 'key-not-member',
    what: "A record's key is not the member that its value names.",
    mend: 'Send the record with the member id as its key.',
  },
  CAR506: {
    slug: 'step-failed',
    what: 'A step threw on this record.',
    mend: 'See the message of the dead letter; the record can be sent again when the step is mended.',
  },
  CAR507: {
    slug: 'notification-too-large',
    what: 'A notification is larger than its lane allows.',
    mend: 'Send a smaller event: a push carries a hint, the rest belongs behind an API.',
  },
  CAR508: {
    slug: 'time-out-of-range',
    what: "A record's time is missing, negative or too far in the future.",
    mend: "Set the producer's clock, or the field that `from.time` names.",
  },
  CAR509: {
    slug: 'null-value',
    what: 'An event has no value (a tombstone), which no stream can read.',
    mend: 'Events are facts: send a new one that says what has changed.',
  },
  CAR510: {
    slug: 'delivery-refused',
    what: 'The provider refused a notification as malformed.',
    mend: 'See the reason of the dead letter; mend the event or its presentation.',
  },
  CAR511: {
    slug: 'not-encodable',
    what: 'A value that a step made does not fit the schema of its output topic.',
    mend: 'Compare the fields that the step sets with the schema of the topic.',
  },
  CAR512: {
    slug: 'not-of-this-hop',
    what: 'A record of a repartition topic does not say what the engine writes along with each.',
    mend: 'Nothing else may write to a topic of the engine: find who does.',
  },
  CAR520: {
    slug: 'bad-registration',
    what: 'A device registration names no member, an unknown class, or a push transport without a token.',
    mend: 'Register over HTTP, which checks all of it, or mend what the producer writes.',
  },
  CAR521: {
    slug: 'too-many-devices',
    what: 'A member has more devices to be told than `devices_max` of a fan_out allows.',
    mend: 'Raise `devices_max`, or set `on_excess: drop_least_recent`.',
  },
  CAR281: {
    slug: 'too-many-elements',
    what: 'An event has a longer list than `elements_max` of a flat_map allows.',
    mend: 'Raise `elements_max`, or set `on_excess: keep_first`.',
  },
  CAR801: {
    slug: 'conservation-broken',
    what: 'A step lost or doubled a record: in is not passed + dropped + dead letters + held.',
    mend: 'This is a bug of the step; the task has stopped. Please report it with the counts.',
  },
  CAR802: {
    slug: 'state-unreadable',
    what: 'A row of a store cannot be read with the step that owns it.',
    mend: 'The step has another row format than the one that wrote it: rename the step to start anew.',
  },
  CAR803: {
    slug: 'clock-set-back',
    what: "The machine's clock was set back while the engine ran; its tasks keep the time they had.",
    mend: 'If the clock is right now, restart the process; if not, set it right.',
  },
} as const satisfies { readonly [code: string]: ErrorEntry };
