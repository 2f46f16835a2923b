/** What the gateway never goes beyond, each with its unit and what happens there. */
export interface GatewayLimits {
  /** Connections of this gateway; over it an upgrade is answered 503 (CAR716). */
  readonly connectionsMax: number;
  /**
   * WebSockets that came without a token and have not said who they are; over it 503 (CAR716).
   */
  readonly strangersMax: number;
  /** So long they may take to say it; then close code 3504. */
  readonly firstFrameMs: number;
  /** Bytes that wait in one connection's queue; over it the connection is closed as slow. */
  readonly queueBytesMax: number;
  /**
   * Numbers that are kept to be told as skipped with a connection's next frame; over it: the
   * oldest.
   */
  readonly skippedMax: number;
  /**
   * Notifications of a connection that are acknowledged by id without a look into the inbox; over
   * it: the oldest are looked up.
   */
  readonly recentMax: number;
  /** Ids in one `ack` frame; over it the frame is bad. */
  readonly ackIdsMax: number;
  /** Bytes of a frame that a device sends; over it: close code 1009. */
  readonly frameBytesMax: number;
  /** Every connection is pinged this often; no pong until the next ping closes it. */
  readonly heartbeatMs: number;
  /** The second look into the inbox after a connect (rule D10). */
  readonly fillAgainMs: number;
  /** Fills that read the inbox at one time; the others wait their turn. */
  readonly fillsMax: number;
  /** A fill that cannot write for so long ends in a slow close. */
  readonly stuckMs: number;
  /** After a close frame; then the socket is cut. */
  readonly closeMs: number;
  /** Over so long the devices of a gateway that stops are asked to come back. */
  readonly comeBackMs: number;
  /**
   * A connection is asked to come back when it is so old, and so much older at most, by chance, as
   * a fleet that came at once must not go at once; 0: it may stay for ever. So that gateways that
   * are new get their part, and none holds a connection that only it believes in.
   */
  readonly lifetimeMs: number;
  readonly lifetimeSpreadMs: number;
  /** An HTTP connection on which nothing moves, as nobody reads the answer, is cut. */
  readonly stalledMs: number;
  /** How long a connect waits for a device's registration to be known here. */
  readonly ownerWaitMs: number;
  readonly leaseMs: number;
  /** Bytes of an HTTP body; over it 413. */
  readonly bodyBytesMax: number;
  /** Records of a batch; over it 413. */
  readonly batchRecordsMax: number;
  /** Records and bytes that wait for the log; over it 503 (CAR711). */
  readonly writeRecordsMax: number;
  readonly writeBytesMax: number;
  /**
   * Own facts (presence, acknowledgements) that wait for the log; over it the oldest are lost,
   * counted.
   */
  readonly reportsMax: number;
  /** Rows of one pull; over it 400 (CAR721). */
  readonly pullMax: number;
  /** Bytes of the payloads of one pull; over it the page ends, and says that there is more. */
  readonly pullBytesMax: number;
  /** How long a pull may wait for something; over it 400 (CAR721). */
  readonly pollWaitMsMax: number;
  /** While it waits the inbox is looked into this often, for what is not pushed to connections. */
  readonly pollLookMs: number;
  /** After its answer the device counts as connected for so long, and is to ask again. */
  readonly pollLingerMs: number;
  /** Devices that wait, or are to ask again; over it 503 (CAR716). */
  readonly pollersMax: number;
}

export const GATEWAY_LIMITS: GatewayLimits = {
  connectionsMax: 20_000,
  strangersMax: 1_000,
  firstFrameMs: 5_000,
  queueBytesMax: 256 * 1024,
  skippedMax: 64,
  recentMax: 256,
  ackIdsMax: 1_000,
  frameBytesMax: 64 * 1024,
  heartbeatMs: 30_000,
  fillAgainMs: 2_000,
  fillsMax: 32,
  stuckMs: 10_000,
  closeMs: 5_000,
  comeBackMs: 10_000,
  lifetimeMs: 4 * 3_600_000,
  lifetimeSpreadMs: 2 * 3_600_000,
  stalledMs: 60_000,
  ownerWaitMs: 2_000,
  leaseMs: 15_000,
  bodyBytesMax: 1024 * 1024,
  batchRecordsMax: 1_000,
  writeRecordsMax: 50_000,
  writeBytesMax: 16 * 1024 * 1024,
  reportsMax: 50_000,
  pullMax: 500,
  pullBytesMax: 1024 * 1024,
  // Below what proxies and carriers cut (60 s and more).
  pollWaitMsMax: 30_000,
  pollLookMs: 10_000,
  pollLingerMs: 10_000,
  pollersMax: 5_000,
};

/** What has happened since the start; for metrics. Only grows. */
export interface GatewayCounts {
  opened: number;
  framesSent: number;
  framesReceived: number;
  /** Live frames that the connection had from its fill already, or the other way round. */
  doubles: number;
  /** Frames of what the device has had, and has not acknowledged as it is to. */
  again: number;
  skipped: number;
  acknowledged: number;
  /** Acknowledged ids that neither the connection nor the inbox knows (any more). */
  unknownAcks: number;
  filled: number;
  fillsFailed: number;
  acksFailed: number;
  /** Times that the lease had lapsed before it was renewed. */
  leasesLapsed: number;
  eventsAccepted: number;
  eventsRefused: number;
  /** Of requests whose idempotency key had been used. */
  eventsRepeated: number;
  /** By close code. */
  readonly closed: Map<number, number>;
}

export function newCounts(): GatewayCounts {
  return {
    opened: 0,
    framesSent: 0,
    framesReceived: 0,
    doubles: 0,
    again: 0,
    skipped: 0,
    acknowledged: 0,
    unknownAcks: 0,
    filled: 0,
    fillsFailed: 0,
    acksFailed: 0,
    leasesLapsed: 0,
    eventsAccepted: 0,
    eventsRefused: 0,
    eventsRepeated: 0,
    closed: new Map(),
  };
}
