/**
 * All error codes, once: 1xx text, 2xx graph, 3xx options, 4xx schemas, 5xx records, 6xx connectors,
 * 7xx gateway, 8xx state, 9xx commands and deployment. A code is never used again for something else;
 * each has a page in docs/errors and is raised by a test.
 */
import { COMMAND_ERRORS } from './command-errors.ts';
import { TOPOLOGY_ERRORS } from './topology-errors.ts';

export interface ErrorEntry {
  readonly slug: string;
  /** What it means, in general; the error itself says it of its subject. */
  readonly what: string;
  /** How to mend it when the error itself knows nothing better. */
  readonly mend: string;
}

export const ERROR_TABLE = {
  ...TOPOLOGY_ERRORS,
  ...COMMAND_ERRORS,
  CAR401: {
    slug: 'unknown-schema',
    what: 'A schema that is named is in none of the schema folders.',
    mend: 'Put an .avsc file of that record name into schemas/.',
  },
  CAR420: {
    slug: 'schema-folder-unreadable',
    what: 'A folder of Avro schemas cannot be read.',
    mend: 'Check the path (`schemas` in carillon.yaml) and its permissions.',
  },
  CAR421: {
    slug: 'not-avro-schema',
    what: 'An .avsc file does not hold an Avro record.',
    mend: 'An .avsc file is JSON: { "type": "record", "name": …, "fields": […] }.',
  },
  CAR422: {
    slug: 'schema-not-readable',
    what: 'What is registered for a topic cannot be read with the schema of the topology.',
    mend: 'Give the new field a default, or keep the old type; then start again.',
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
    slug: 'bad-time',
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
  CAR601: {
    slug: 'data-folder-unwritable',
    what: 'The data folder cannot be created or written.',
    mend: 'Give the process write access to the folder, or name another one.',
  },
  CAR602: {
    slug: 'data-folder-in-use',
    what: 'Another process has this data folder open.',
    mend: 'Stop the other process, or name another data folder.',
  },
  CAR603: {
    slug: 'data-file-unusable',
    what: 'The data file is damaged, belongs to another program, or was written by a newer Carillon.',
    mend: 'Use the version that wrote it, or move the file away to start anew.',
  },
  CAR604: {
    slug: 'partitions-differ',
    what: 'A topic is there already, with another number of partitions or another cleanup.',
    mend: 'Keep the number of partitions, or give the topic a new name.',
  },
  CAR605: {
    slug: 'unknown-topic',
    what: 'The log has no such topic, or the topic no such partition.',
    mend: 'Create the topics of the topology first: carillon topics apply.',
  },
  CAR606: {
    slug: 'log-write-failed',
    what: 'The embedded log could not write its file; what was not committed is undone.',
    mend: 'Free space on the disk of the data folder; the log goes on by itself.',
  },
  CAR607: {
    slug: 'log-closed',
    what: 'The log, group or task is closed.',
    mend: 'Open it again; what was committed is there.',
  },
  CAR608: {
    slug: 'group-already-open',
    what: 'The embedded log has one member in each group, and this group is open already.',
    mend: 'Close the group first, or run the roles on Kafka to share its partitions.',
  },
  CAR609: {
    slug: 'batch-refused',
    what: 'A record batch cannot be appended: it is empty, or a compacted topic would get a null key.',
    mend: 'Send at least one record, and give the records of compacted topics a key.',
  },
  CAR610: {
    slug: 'log-worker-gone',
    what: 'The worker thread that runs the embedded log has ended.',
    mend: 'See what the worker said last, and start the process again; what was committed is there.',
  },
  CAR611: {
    slug: 'too-many-partitions',
    what: 'The embedded log holds at most 8191 partitions of all topics together.',
    mend: 'Use fewer partitions for a topic, or run on Kafka.',
  },
  CAR620: {
    slug: 'cassandra-away',
    what: 'No contact point of Cassandra answers.',
    mend: 'Check contactPoints and port, and that the nodes run; it is tried again by itself.',
  },
  CAR621: {
    slug: 'no-such-data-center',
    what: 'The Cassandra ring has no data centre of the name that localDataCenter gives.',
    mend: 'Set localDataCenter to a name that `nodetool status` shows.',
  },
  CAR622: {
    slug: 'inbox-tables-missing',
    what: "The inbox's keyspace or tables are not there, and may not be made (create: false).",
    mend: 'Allow `create`, or let an administrator make them: see the page of this code.',
  },
  CAR623: {
    slug: 'cassandra-not-now',
    what: 'Cassandra could not answer a request now: too few replicas, a timeout, a lost connection.',
    mend: 'It is tried again; if it stays, look at the nodes with `nodetool status`.',
  },
  CAR624: {
    slug: 'cassandra-refused',
    what: 'Cassandra refused a request that will never work as it is.',
    mend: "Check the keyspace's tables and the user's permissions: see the page of this code.",
  },
  CAR625: {
    slug: 'bad-cassandra-setting',
    what: 'A setting for Cassandra is missing or out of its range.',
    mend: 'Mend the setting that is named.',
  },
  CAR626: {
    slug: 'cassandra-login-refused',
    what: 'Cassandra refused the user or its password.',
    mend: 'Check username and password of the deployment.',
  },
  CAR640: {
    slug: 'kafka-away',
    what: 'Kafka does not answer.',
    mend: 'Check that the brokers run and that `brokers` names them; the pipeline goes on by itself.',
  },
  CAR641: {
    slug: 'topic-partitions-differ',
    what: 'A topic is there with another number of partitions than the topology needs.',
    mend: 'Set the number of partitions in the deployment to what the topic has, or use a new prefix.',
  },
  CAR642: {
    slug: 'topic-missing',
    what: 'A topic is not there.',
    mend: 'Create it: `carillon topics apply`.',
  },
  CAR643: {
    slug: 'task-fenced',
    what: 'Another process has taken a task over; what this one had not committed is void.',
    mend: 'Nothing to do: the task goes on where it is now. If it repeats, two deployments share a group.',
  },
  CAR644: {
    slug: 'commit-failed',
    what: 'A commit did not come through; the task starts again from the last one.',
    mend: 'See the cause; the task goes on by itself.',
  },
  CAR645: {
    slug: 'kafka-refused',
    what: 'Kafka refuses a request.',
    mend: 'See the cause: rights of the user, a setting of the topic, or a version that does not fit.',
  },
  CAR646: {
    slug: 'offset-metadata-too-long',
    what: 'The metadata of a committed offset is longer than 4096 bytes.',
    mend: 'This is a bug of the sink that keeps its marks there. Please report it.',
  },
  CAR650: {
    slug: 'registry-away',
    what: 'The schema registry does not answer.',
    mend: 'Check that it runs and that its URL is right; nothing is lost meanwhile.',
  },
  CAR651: {
    slug: 'schema-refused',
    what: 'The schema registry refuses a schema.',
    mend: 'Make the schema compatible with the version that the subject has, or take a new subject.',
  },
  CAR652: {
    slug: 'registry-refused',
    what: 'The schema registry refuses a request.',
    mend: 'Check the URL (with its path) and the credentials.',
  },
  CAR660: {
    slug: 'fcm-settings',
    what: 'The settings of the FCM connector are missing or wrong.',
    mend: 'Set connectors.fcm in carillon.yaml; `credentials` is the path of the service account JSON.',
  },
  CAR661: {
    slug: 'fcm-unreachable',
    what: 'FCM, or the server that gives access tokens for it, does not answer.',
    mend: 'Check the way out to fcm.googleapis.com and oauth2.googleapis.com, port 443.',
  },
  CAR662: {
    slug: 'fcm-refused',
    what: 'FCM refuses the service account or the project.',
    mend: 'Check `project` of the sink, and that its service account may send (Firebase Messaging API).',
  },
  CAR665: {
    slug: 'apns-settings',
    what: 'The settings of the APNs connector are missing or wrong.',
    mend: 'Set connectors.apns in carillon.yaml: team, key_id, and key, the path of the .p8 file.',
  },
  CAR666: {
    slug: 'apns-unreachable',
    what: 'APNs does not answer.',
    mend: 'Check the way out to api.push.apple.com, port 443.',
  },
  CAR667: {
    slug: 'apns-refused',
    what: 'APNs refuses the provider token or the bundle.',
    mend: 'Check team, key_id and key of connectors.apns, and `bundle` of the sink.',
  },
  CAR701: {
    slug: 'no-token',
    what: 'The request carries no token.',
    mend: 'Send "Authorization: Bearer <JWT>"; a browser\'s WebSocket names it as a sub-protocol.',
  },
  CAR702: {
    slug: 'bad-token',
    what: 'The token is no JWT that this gateway trusts.',
    mend: 'Sign it with HS256 and the secret that the gateway was given; `sub` names the device.',
  },
  CAR703: {
    slug: 'token-expired',
    what: 'The token has expired.',
    mend: 'Get a new token, then come back.',
  },
  CAR704: {
    slug: 'not-allowed',
    what: 'The token is good, but not for this.',
    mend: 'Use a token of this device (`sub`), or one whose `scope` allows it.',
  },
  CAR705: {
    slug: 'unknown-path',
    what: 'The gateway has no such path and method.',
    mend: 'See docs: /v1/stream, /v1/devices/<id>, /v1/events/<type>.',
  },
  CAR706: {
    slug: 'unknown-event-type',
    what: 'No topology reads events of this type.',
    mend: 'Post to /v1/events/<type> with a type that the topology names.',
  },
  CAR707: {
    slug: 'body-too-large',
    what: 'The body has more bytes or records than the gateway takes at once.',
    mend: 'Send smaller batches.',
  },
  CAR708: {
    slug: 'wrong-content-type',
    what: 'The body is not of a type that this path takes.',
    mend: 'Send "Content-Type: application/json".',
  },
  CAR709: {
    slug: 'bad-json',
    what: 'The body is not JSON.',
    mend: 'Mend the body at the line and column that are named.',
  },
  CAR710: {
    slug: 'wrong-body',
    what: 'Fields of the body are missing or of the wrong type.',
    mend: 'Mend each field that is named with its path; nothing of the body was written.',
  },
  CAR711: {
    slug: 'log-busy',
    what: 'More is waiting to be written to the log than the gateway holds.',
    mend: 'Send again after the seconds of Retry-After.',
  },
  CAR712: {
    slug: 'log-away',
    what: 'The log does not take what is written.',
    mend: 'Send again after the seconds of Retry-After; /health/ready says what is away.',
  },
  CAR713: {
    slug: 'unknown-device',
    what: 'The device is not registered, or was deleted.',
    mend: 'Register it with PUT /v1/devices/<id>; it is known a moment after the answer.',
  },
  CAR714: {
    slug: 'bad-cursor',
    what: 'The cursor is not one that a gateway has given.',
    mend: 'Send the cursor of the last frame or page as it came, or none.',
  },
  CAR715: {
    slug: 'inbox-away',
    what: 'The inbox cannot be read or written now.',
    mend: 'Come back after the seconds of Retry-After with the same cursor.',
  },
  CAR716: {
    slug: 'gateway-full',
    what: 'The gateway takes no more connections: it is full, or about to stop.',
    mend: 'Connect again after a moment; another gateway may take it.',
  },
  CAR717: {
    slug: 'gateway-failed',
    what: 'The gateway failed on this request.',
    mend: 'This is a bug; the log of the gateway has the cause under the same request id.',
  },
  CAR718: {
    slug: 'port-taken',
    what: 'The gateway cannot listen on its port.',
    mend: 'Stop what listens there, or set another port.',
  },
  CAR719: {
    slug: 'weak-secret',
    what: 'A secret of the gateway is too short to be one.',
    mend: 'Set at least 32 characters, e.g. from `openssl rand -base64 32`.',
  },
  CAR720: {
    slug: 'bad-frame',
    what: 'A device sent a frame that is none of the protocol.',
    mend: 'Send JSON text: {"type":"ack","ids":[…]}, {"type":"ack","cursor":"…"} or {"type":"ping"}.',
  },
  CAR721: {
    slug: 'bad-query',
    what: 'A parameter of the address is not what it should be.',
    mend: 'Mend the parameter that is named.',
  },
  CAR722: {
    slug: 'gateway-away',
    what: 'A gateway does not answer the sink.',
    mend: 'Nothing: the sink tries again, and the inbox has what is undelivered.',
  },
  CAR723: {
    slug: 'gateway-refused',
    what: 'A gateway does not trust the sink.',
    mend: 'Give sink and gateway the same internal token.',
  },
  CAR724: {
    slug: 'not-a-websocket',
    what: 'The stream was asked for without a WebSocket upgrade.',
    mend: 'Connect with a WebSocket client; to poll, GET /v1/devices/<id>/notifications.',
  },
  CAR690: {
    slug: 'partitions-differ',
    what: 'A topic is there with another number of partitions than the deployment says.',
    mend: 'Set `partitions` to what the topics have, or make a new deployment prefix.',
  },
  CAR691: {
    slug: 'no-such-partition',
    what: 'A topic or partition that is written or read is not there.',
    mend: 'Create the topics first: carillon topics apply.',
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
  CAR940: {
    slug: 'bad-driver-line',
    what: 'A line that was fed to the driver cannot be used.',
    mend: 'See the driver protocol in docs/reference/driver-protocol.md.',
  },
  CAR941: {
    slug: 'no-such-service',
    what: 'A sink asks for something that this process does not provide.',
    mend: 'A sink connector may ask for: payload, gateways, inbox.',
  },
  CAR942: {
    slug: 'unknown-role',
    what: 'A role that a process shall run is none of its topology.',
    mend: 'See the roles: carillon run --help; they follow from priorities and sinks.',
  },
  CAR943: {
    slug: 'worker-ended',
    what: 'The worker thread of the engine has ended by itself.',
    mend: 'See the error before it; start again: nothing that was acknowledged is lost.',
  },
} as const satisfies { readonly [code: string]: ErrorEntry };

export type ErrorCode = keyof typeof ERROR_TABLE;
