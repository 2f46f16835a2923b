import type { ErrorEntry } from './error-entry.ts';

/** 9xx: the command line, the deployment config, and what a command meets on its way. */
export const COMMAND_ERRORS = {
  CAR900: {
    slug: 'usage',
    what: 'The command line is not one that carillon understands.',
    mend: 'See what there is: carillon --help',
  },
  CAR901: {
    slug: 'node-too-old',
    what: 'Node is older than 22.18, the first that has all that Carillon needs.',
    mend: 'Install Node 22.18 or later; inside the project, `npm start` brings its own.',
  },
  CAR902: {
    slug: 'file-unreadable',
    what: 'A file that was named cannot be read.',
    mend: 'Check its path, as seen from this folder, and its permissions.',
  },
  CAR903: {
    slug: 'bad-setting',
    what: 'A setting of the deployment config has a value that it may not have.',
    mend: 'Write it as the message says.',
  },
  CAR904: {
    slug: 'missing-setting',
    what: 'The deployment config lacks a setting that its other settings ask for.',
    mend: 'Add it; docker/carillon.cluster.yaml shows all of them.',
  },
  CAR905: {
    slug: 'generated-stale',
    what: 'A generated file does not say what the code says.',
    mend: 'Run `npm run generate`, and commit what it changed.',
  },
  CAR906: {
    slug: 'no-secret',
    what: 'The deployment has no secret to sign or check tokens with.',
    mend: 'Set CARILLON_SECRET and CARILLON_INTERNAL_TOKEN, e.g. from `openssl rand -base64 32`.',
  },
  CAR907: {
    slug: 'pipeline-away',
    what: 'No gateway answers at that address.',
    mend: 'Start the pipeline (`npm start`), or name its address with --url.',
  },
  CAR908: {
    slug: 'request-refused',
    what: 'The gateway refused what the command asked for.',
    mend: 'See its answer; its own log has more under the same request id.',
  },
  CAR909: {
    slug: 'bad-event-line',
    what: 'A line of the input is not an event.',
    mend: 'Write one JSON object a line, with the fields of the schema.',
  },
  CAR910: {
    slug: 'bad-time',
    what: 'A text is not a point in time.',
    mend: 'Write start, end, 2026-01-31T12:00:00Z, or how long ago: 10m, 2h, 1d.',
  },
  CAR911: {
    slug: 'no-data',
    what: 'The data folder holds no log.',
    mend: 'Start the pipeline once (`npm start`), or name the deployment with --deployment.',
  },
  CAR912: {
    slug: 'nothing-to-explain',
    what: 'Nothing is known under that name.',
    mend: 'See the lists: carillon explain steps, carillon explain sinks, carillon explain codes',
  },
  CAR913: {
    slug: 'device-turned-away',
    what: 'The gateway closed the connection and said not to come back.',
    mend: 'See the close code: docs/guides/devices.md lists them.',
  },
  CAR914: {
    slug: 'carillon-failed',
    what: 'Carillon itself has failed.',
    mend: 'This is a bug. Run it again with CARILLON_TRACE=1, and report what it prints.',
  },
  CAR920: {
    slug: 'bad-pipeline-name',
    what: 'The name of the folder cannot be the name of a pipeline.',
    mend: 'Take a-z, 0-9 and hyphens, a letter first, 64 characters at most: my-pipeline.',
  },
  CAR921: {
    slug: 'folder-taken',
    what: 'The folder for a new pipeline cannot be taken: it holds something already.',
    mend: 'Name a folder that is not there yet, or an empty one.',
  },
  CAR922: {
    slug: 'recording-too-large',
    what: 'More records lie in the span that shall be recorded than may be.',
    mend: 'Record a shorter span (--from, --to) or fewer topics, or raise --max.',
  },
  CAR923: {
    slug: 'file-unwritable',
    what: 'A file that was named for output cannot be written.',
    mend: 'Check its path and permissions, and the room on the disk.',
  },
  CAR924: {
    slug: 'not-driven',
    what: 'A file that shall be compared holds a line that the driver does not print.',
    mend: 'Compare what `carillon drive` has printed, whole.',
  },
  CAR925: {
    slug: 'unknown-store',
    what: 'No step of the topology keeps anything under this name.',
    mend: 'See all of them: carillon query, without a name.',
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
  CAR944: {
    slug: 'cannot-go-on-now',
    what: 'Tasks or lanes of this process cannot go on now.',
    mend: 'See what they wait for; they go on by themselves when it is back.',
  },
  CAR970: {
    slug: 'backup-not-whole',
    what: 'The folder is no backup, or not all of it is as it was written.',
    mend: 'Copy the backup again from where it is kept, or take one from before it.',
  },
  CAR971: {
    slug: 'backup-not-embedded',
    what: 'The command is for pipelines on one SQLite file, and this deployment is on Kafka.',
    mend: 'Back up the topics (a mirror), the inbox and the registry, each by its own means.',
  },
  CAR972: {
    slug: 'restore-over-data',
    what: 'A backup would be written over the data of a pipeline.',
    mend: 'Move the data folder away, or name another one in carillon.yaml (`data_folder`).',
  },
  CAR973: {
    slug: 'not-while-it-runs',
    what: 'The edit is more than the topology, and a process that runs does not take it.',
    mend: 'Stop the process and start it: carillon run takes it then, or says why not.',
  },
} as const satisfies { readonly [code: string]: ErrorEntry };
