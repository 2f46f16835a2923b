/**
 * The topology that the rows of these tables are edits of, and how a row is told. It is right, and
 * has one of everything that a topology can have.
 */
// biome-ignore-start lint/suspicious/noTemplateCurlyInString: topology texts have variables.
import { compile } from '../../compiler/compile.ts';
import { render } from '../../compiler/render.ts';
import { catalog, schemas } from '../golden/example.ts';

export const BASE = `topology: base
doc: One of everything.
on_error: { attempts: 3, then: dead_letter, topic: dead-letters }
tables:
  devices:  { topic: tables.devices, schema: MemberDevices, key: memberId }
  owners:   { topic: tables.device-owners, schema: Device, key: deviceId }
  presence: { topic: tables.presence, schema: Presence, key: deviceId }
chains:
  tell:
    - fan_out: { table: devices, by: value.memberId, devices_max: 64 }
lanes:
  notifications:
    topic: notifications.{priority}.{transport}
    schema: DeviceNotification
    key: value.deviceId
    priorities: [critical, high, normal, low]
    transports: [websocket, fcm, apns, inbox]
    bytes_max: 64KiB
streams:
  viewing:
    id: va
    doc: Continue Watching.
    priority: { as: normal }
    from: { topic: events.viewing-activity, schema: ViewingActivity, time: value.occurredAt, id: value.eventId }
    steps:
      - gate_staleness: { max_age: 2m }
      - dedup: { by: [value.eventId], within: 10m, keys_max: 1_000 }
      - filter: { where: 'value.kind != "STARTED"' }
      - sample: { keep: 99, of: 100 }
      - coalesce: { by: [value.profileId, value.titleId], quiet: 2s, at_most: 10s }
      - target: { classes: [tv, mobile], except: value.deviceId }
      - use: tell
    to: { lane: notifications, collapse: [value.titleId] }
  profile:
    id: pf
    priority:
      as: high
      unless: [{ when: 'value.kind == "MATURITY_LEVEL_CHANGED"', as: critical }]
    from: { topic: events.profile-change, schema: ProfileChange, time: value.changedAt, id: value.eventId }
    steps:
      - gate_staleness: { max_age: 1h, ttl: 2h }
      - use: tell
    to: { lane: notifications, transports: [websocket, inbox] }
sinks:
  websocket:
    from: { lane: notifications, transport: websocket }
    steps: [{ gate_online: { table: presence } }]
    to: { type: websocket, in_flight_max: 512, timeout: 2s }
  fcm:
    from: { lane: notifications, transport: fcm }
    to: { type: fcm, project: my-app }
  apns:
    from: { lane: notifications, transport: apns }
    to: { type: apns, bundle: com.example.app, push_type: alert }
  inbox:
    from: { lane: notifications, transport: all }
    to: { type: inbox, ttl: 7d }
`;

/**
 * What is put in which place of the base, and what is told of it: `CAR246` in the edited line,
 * `CAR217 lanes:` in the first line that has `lanes:`. Nothing else may be told.
 */
export type Edit = readonly [what: string, from: string, to: string, ...told: readonly string[]];

/** The same of a text of its own: `3 CAR101`. */
export type Whole = readonly [what: string, text: string, ...told: readonly string[]];

export type Environment = { readonly [name: string]: string };

export interface Row {
  readonly what: string;
  readonly text: string;
  readonly env: Environment;
  /** `line code`, in order. */
  readonly told: readonly string[];
}

const lineAt = (text: string, at: number) => text.slice(0, at).split('\n').length;

export function edited(rows: readonly Edit[], base = BASE, env: Environment = {}): Row[] {
  return rows.map(([what, from, to, ...told]) => {
    const at = base.indexOf(from);
    if (at < 0) throw new Error(`${what}: the base has no ${from}`);
    const text = base.slice(0, at) + to + base.slice(at + from.length);
    // The first line of the edit that differs from what was there.
    const same = [...to].findIndex((character, i) => character !== from[i]);
    const line = lineAt(text, at + (same < 0 ? to.length : same));
    const placed = told.map((one) => {
      const [code, ...where] = one.split(' ');
      const place = where.join(' ');
      return `${place === '' ? line : lineAt(text, text.indexOf(place))} ${code}`;
    });
    return { what, text, env, told: placed };
  });
}

export function whole(rows: readonly Whole[], env: Environment = {}): Row[] {
  return rows.map(([what, text, ...told]) => ({ what, text, env, told }));
}

const FILE = 't.yaml';

export function tell(text: string, env: Environment = {}) {
  const { plan, diagnostics } = compile(text, { file: FILE, catalog, schemas, env });
  return {
    plan,
    diagnostics,
    told: diagnostics.map(({ code, where }) => `${where.line} ${code}`),
    shown: render(diagnostics, new Map([[FILE, text]])),
  };
}
// biome-ignore-end lint/suspicious/noTemplateCurlyInString: as above.
