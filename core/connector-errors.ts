/** What logs, registries, providers and inboxes say: 6xx. */
import type { ErrorEntry } from './error-entry.ts';

export const CONNECTOR_ERRORS = {
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
  CAR612: {
    slug: 'log-full',
    what: 'The embedded log is full of records that its groups have yet to read; what is new is refused.',
    mend: 'See which sink or stream lags, and why; or raise log.bytesMax. It goes on by itself.',
  },
  CAR613: {
    slug: 'disk-full',
    what: 'The disk of the data folder is full, and nothing can be started there.',
    mend: 'Free space on the disk, and start again. Nothing is lost.',
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
  CAR630: {
    slug: 'changelog-gone',
    what: 'Committed offsets say that a store had rows, but its changelog topic is empty or another.',
    mend: 'Restore the topic, or start under a new topic prefix: see the page of this code.',
  },
  CAR631: {
    slug: 'records-deleted-unread',
    what: 'The log deleted records (retention) before a group had read them.',
    mend: 'Raise retention.ms of the topic, or run more processes: the group does not keep up.',
  },
  CAR632: {
    slug: 'topic-made-again',
    what: 'A topic was deleted and made again while it was read; it is read again from its start.',
    mend: 'Stop the processes before a topic is deleted. What was in it and not read is gone.',
  },
  CAR633: {
    slug: 'topic-on-one-broker',
    what: 'A topic has one replica, though there are several brokers: one lost disk loses records.',
    mend: 'Set the replication factor to 3 and reassign the partitions (see the page), or run with --force.',
  },
  CAR634: {
    slug: 'task-does-not-open',
    what: 'A task does not open here.',
    mend: 'See the cause; it is tried again by itself.',
  },
  CAR635: {
    slug: 'positions-gone',
    what: 'A store has rows, but its group has no committed offsets: to begin anew would tell everything again.',
    mend: 'Set the offsets of the group (kafka-consumer-groups --reset-offsets), then start: see the page.',
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
  CAR647: {
    slug: 'batch-unreadable',
    what: 'A record batch cannot be read: a wrong checksum, damaged data, or a form that is too old.',
    mend: 'See which it is and at what offset; a reader goes on past it only when it is told to.',
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
  CAR653: {
    slug: 'group-has-members',
    what: 'The positions of a consumer group cannot be moved, as it has members.',
    mend: 'Stop the processes of the former topology, then start those of the new one.',
  },
  CAR654: {
    slug: 'applied-elsewhere',
    what: 'Another process applies the topology at the same time.',
    mend: 'Start this one again: it goes on from what the other has done.',
  },
  CAR655: {
    slug: 'topic-setting-differs',
    what: 'A topic is there with another setting than the topology needs.',
    mend: 'Run the command that is shown; nothing is changed by itself.',
  },
  CAR656: {
    slug: 'too-few-replicas',
    what: 'A topic has fewer replicas than the deployment asks for.',
    mend: 'Give it more with `kafka-reassign-partitions.sh`, or ask for as many as there are (`log.replication`).',
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
  CAR668: {
    slug: 'delivery-abandoned',
    what: 'A notification could not be delivered by its transport, and no other takes it.',
    mend: 'See `carillon.reason` of the dead letter: the provider was away, or the device never known.',
  },
  CAR669: {
    slug: 'no-such-delivery',
    what: 'Nothing in the log is of that notification or device.',
    mend: 'Copy the id from a frame or from `carillon tail outcomes`, and give an earlier --from.',
  },
  CAR670: {
    slug: 'text-field',
    what: 'A title or body names something that is no text of the event.',
    mend: 'Write {value.field} with a field of the event that is a text or a number; {{ is a brace.',
  },
  CAR671: {
    slug: 'alert-without-text',
    what: 'An alert is to be shown, and there is nothing to show.',
    mend: 'Add `title` or `body` to `show`, or write `as: background`.',
  },
  CAR672: {
    slug: 'text-locale',
    what: 'The locales of titles and bodies are wrong, or lack the fall-back.',
    mend: 'Write each text in the fall-back locale at least: title: { en: …, de: … }.',
  },
  CAR673: {
    slug: 'collapse-groups',
    what: 'More collapse keys than FCM stores for an app.',
    mend: 'Let several streams share one `show: { fcm: { group: … } }`; there may be four keys.',
  },
  CAR674: {
    slug: 'nothing-to-render',
    what: 'There is no such stream, or the sample is not an event.',
    mend: 'Name a stream that writes to a lane, and give one event in JSON.',
  },
  CAR680: {
    slug: 'webhook-refused',
    what: 'The endpoint of a webhook refuses what is sent to it.',
    mend: 'Check `url` and the secret on both sides; the endpoint must take a batch of none, too.',
  },
  CAR681: {
    slug: 'webhook-private-address',
    what: 'The endpoint of a webhook lies at a private address, which nobody has allowed.',
    mend: 'Name its range in the deployment, if it is meant: connectors.webhook.allow: [10.0.0.0/8].',
  },
  CAR682: {
    slug: 'webhook-settings',
    what: 'The options or settings of a webhook are missing or wrong.',
    mend: 'Write url, and secret or secret_file; connectors.webhook takes allow, ca, connections.',
  },
  CAR683: {
    slug: 'webhook-unreachable',
    what: 'The endpoint of a webhook does not answer, or is in trouble.',
    mend: 'Check the way out to the host of `url`, and its certificate; the sink goes on by itself.',
  },
  CAR684: {
    slug: 'other-apps-untold',
    what: 'All sinks of a transport are for one app each, so devices of any other are not told.',
    mend: 'Leave `app` out of the `from` of one of them: it has the rest.',
  },
  CAR685: {
    slug: 'no-sink-by-app',
    what: 'A sink is for the devices of one app, and its service knows no apps.',
    mend: 'Take `app` out of its `from`; fcm and apns have it.',
  },
  CAR686: {
    slug: 'app-settings',
    what: 'Settings of an app are not as they must be, or no sink is for that app.',
    mend: 'Write connectors: { fcm: { apps: { <app>: { credentials: … } } } }, with the app of a sink.',
  },
  CAR691: {
    slug: 'no-such-partition',
    what: 'A topic or partition that is written or read is not there.',
    mend: 'Create the topics first: carillon topics apply.',
  },
} as const satisfies { readonly [code: string]: ErrorEntry };
