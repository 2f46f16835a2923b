/**
 * What the examples in docs/errors stand in: a page shows only the part that it is about, and a
 * small whole topology is made of it with the parts below.
 */
import { compile } from '../../compiler/compile.ts';
import { render } from '../../compiler/render.ts';
import { parseTopologyTest } from '../../compiler/topology-test.ts';
import { sinks } from '../../connectors/index.ts';
import type { Diagnostic } from '../../core/error.ts';
import type { Catalog } from '../../core/spec.ts';
import { steps } from '../../processors/index.ts';
import { readSchemaFolder } from '../../schemas/folder.ts';

export const catalog: Catalog = { steps, sinks };
/** Beside ours one with a field of each type. */
export const schemas = readSchemaFolder(
  ...['../../schemas', './schemas'].map((dir) => new URL(dir, import.meta.url).pathname),
);

const FILE = 'topology.yaml';
const ENV = { FCM_PROJECT: 'my-app' };

/** One text per top-level key; a page's own part comes first, so that its lines count from one. */
const PARTS: { readonly [key: string]: string } = {
  topology: 'topology: example\n',
  tables: `tables:
  devices: { topic: tables.devices, schema: MemberDevices, key: memberId }
`,
  lanes: `lanes:
  notifications:
    topic: notifications.{priority}.{transport}
    schema: DeviceNotification
    key: value.deviceId
    transports: [inbox]
`,
  streams: `streams:
  viewing-activity:
    id: va
    priority: { as: normal }
    from: { topic: events.viewing-activity, schema: ViewingActivity }
    steps:
      - fan_out: { table: devices }
    to: { lane: notifications }
`,
  sinks: `sinks:
  inbox:
    from: { lane: notifications, transport: all }
    to: { type: inbox, ttl: 7d }
`,
};

export type ExampleKind = 'part' | 'whole' | 'test';

export interface Told {
  readonly diagnostics: readonly Diagnostic[];
  readonly rendered: string;
}

/** Compiles an example: a part of a topology, a whole one, or a test file of the one above. */
export function tell(example: string, kind: ExampleKind): Told {
  const text = kind === 'part' ? completed(example) : example;
  const diagnostics =
    kind === 'test'
      ? parseTopologyTest(text, FILE, compiled(completed('')).plan).diagnostics
      : compiled(text).diagnostics;
  return { diagnostics, rendered: render(diagnostics, new Map([[FILE, text]])) };
}

function compiled(text: string) {
  return compile(text, { file: FILE, catalog, schemas, env: ENV });
}

export function completed(part: string): string {
  const missing = Object.entries(PARTS)
    .filter(([key]) => !new RegExp(`^${key}:`, 'm').test(part))
    .map(([, text]) => text);
  return part + missing.join('');
}
