/**
 * What goes over a device's socket, as JSON text frames, one object each. The same notification
 * form is what a pull returns. Times are epoch milliseconds.
 */

/** The first frame of a connection. */
export interface WelcomeFrame {
  readonly type: 'welcome';
  readonly connectionId: string;
  readonly deviceId: string;
  readonly epoch: number;
  /** The server pings this often; a client that hears nothing for twice as long may reconnect. */
  readonly heartbeatMs: number;
  /** Where the connection starts; what it does not cover follows from the inbox. */
  readonly cursor: string;
}

/** A notification that will not come any more: its number is no gap (rule D6). */
export interface Skipped {
  readonly priority: string;
  readonly sequence: number;
  readonly id: string;
  /** `expired`: its deadline has passed; `withdrawn`; `unreadable`: its payload does not decode. */
  readonly reason: 'expired' | 'withdrawn' | 'unreadable';
}

export interface NotificationForm {
  readonly id: string;
  /** Dense per priority (rule D3). */
  readonly sequence: number;
  /**
   * The device's preceding number in this lane; not what the device has: a gap (rule D6). 0: none.
   */
  readonly previous: number;
  readonly priority: string;
  readonly useCase: string;
  /** How many events it stands for. */
  readonly count: number;
  /** Event time. */
  readonly born: number;
  /** After it nobody wants it; 0: never. */
  readonly deadline: number;
  /** The event. */
  readonly value: unknown;
}

export interface NotificationFrame extends NotificationForm {
  readonly type: 'notification';
  /** Covers all frames up to this one: keep it, and come back with `?after=`. */
  readonly cursor: string;
  readonly skipped?: readonly Skipped[];
}

/** Numbers that were passed over when no notification followed to carry them. */
export interface SkippedFrame {
  readonly type: 'skipped';
  readonly skipped: readonly Skipped[];
  readonly cursor: string;
}

export interface PongFrame {
  readonly type: 'pong';
}

/**
 * What of an `ack` was not taken; without this frame all of it was. `unknown`: ids that were
 * acknowledged before, have expired, or were never given. `other_epoch`, `other_device`: the cursor
 * is not of this registration. `not_given`: it covers numbers that this device was not given; the
 * others are acknowledged. `inbox_away`: send it again later.
 */
export interface UnacknowledgedFrame {
  readonly type: 'unacknowledged';
  readonly reason: 'unknown' | 'other_epoch' | 'other_device' | 'not_given' | 'inbox_away';
  readonly ids?: readonly string[];
  /** The cursor that was sent. */
  readonly asked?: string;
}

/**
 * The log has a report; or, with a code, it was not taken. With its `eventId` it may come again.
 */
export interface ReportedFrame {
  readonly type: 'reported';
  /** As it was sent; empty: it had none. */
  readonly eventId: string;
  /** `CAR…`, as over HTTP. */
  readonly code?: string;
  readonly what?: string;
}

/**
 * Come back after so long, then as after any close. A gateway that stops closes at once (3001); one
 * that finds the connection old serves it until the next heartbeat, so that the device can choose.
 */
export interface GoingAwayFrame {
  readonly type: 'going-away';
  readonly afterMs: number;
}

export type ServerFrame =
  | WelcomeFrame
  | NotificationFrame
  | SkippedFrame
  | PongFrame
  | GoingAwayFrame
  | UnacknowledgedFrame
  | ReportedFrame;

/**
 * The first frame of a device whose handshake had the sub-protocol `carillon.v1` and no token.
 * Nothing else may follow before the welcome.
 */
export interface AuthenticateFrame {
  readonly type: 'authenticate';
  readonly token: string;
  /** Where it wants to go on, as `?after=` says it otherwise. */
  readonly after?: string;
}

/**
 * `ids`: at most 1,000 of notifications that this device was given; or all that a cursor covers.
 */
export type ClientFrame =
  | AuthenticateFrame
  | { readonly type: 'ack'; readonly ids: readonly string[] }
  | { readonly type: 'ack'; readonly cursor: string }
  | { readonly type: 'ping' }
  | (DeviceReport & { readonly type: 'report' });

/** What `GET /v1/devices/<id>/notifications` returns. */
export interface PullPage {
  /** Of the device's registration: its numbers are dense per epoch and priority. */
  readonly epoch: number;
  readonly notifications: readonly NotificationForm[];
  readonly skipped: readonly Skipped[];
  /** Covers what was asked with and all of this page. */
  readonly cursor: string;
  /** True: ask again at once with the cursor. */
  readonly more: boolean;
}

/** What a device sends to `POST /v1/devices/<id>/reports`. Who it is, its token says. */
export interface DeviceReport {
  /** Of the device's making, 128 characters at most; sent again it is the same. */
  readonly eventId: string;
  readonly kind: 'ACKNOWLEDGEMENT' | 'DIAGNOSTIC' | 'RECOVERY';
  /** What it answers. */
  readonly notificationId?: string;
  /** True when it is left out. */
  readonly succeeded?: boolean;
  /** At most 32, of 1,024 characters. */
  readonly details?: { readonly [name: string]: string };
}
