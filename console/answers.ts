/** What the page is told, as plain data; whoever serves it gives answers of these forms. */

/** A topology does not change while its process runs. */
export interface TopologyAnswer {
  readonly topology: string;
  readonly doc: string;
  readonly hash: string;
  readonly version: string;
  /** SVG with places (`data-live`) for what is counted; see `pictureKeys`. */
  readonly picture: string;
  readonly useCases: readonly { readonly id: string; readonly name: string }[];
  /** Those that can be followed. */
  readonly topics: readonly { readonly name: string; readonly use: string }[];
  readonly deadLetters: string;
}

export interface StepCounts {
  /** A stream, or a sink. */
  readonly stream: string;
  readonly priority: string | null;
  readonly step: string;
  readonly in: number;
  readonly passed: number;
  readonly held: number;
  readonly out: number;
  readonly dropped: Counts;
  readonly deadLettered: Counts;
}

export interface Counts {
  readonly [name: string]: number;
}

export interface LaneCounts {
  readonly sink: string;
  readonly priority: string;
  readonly outcomes: Counts;
  readonly inFlight: number;
  readonly waiting: number;
  readonly ageBuckets: readonly number[];
  readonly ageCount: number;
}

/** Totals since the process started; rates are the page's. */
export interface FlowAnswer {
  /** Epoch ms of the process's clock. */
  readonly at: number;
  readonly connections: number;
  readonly tasks: number;
  readonly steps: readonly StepCounts[];
  readonly lanes: readonly LaneCounts[];
  readonly lags: readonly {
    readonly group: string;
    readonly topic: string;
    readonly lag: number;
  }[];
  readonly missed: readonly {
    readonly group: string;
    readonly topic: string;
    readonly offsets: number;
  }[];
  readonly troubles: readonly string[];
  /** Upper bounds in ms of `ageBuckets`; the last bucket has none. */
  readonly ageBoundsMs: readonly number[];
}

/** One thing that became of a notification. */
export interface Milestone {
  /** Epoch ms. */
  readonly at: number;
  readonly notificationId: string;
  readonly deviceId: string;
  readonly what: string;
  /** Where: a lane's or sink's name. */
  readonly by: string;
  /** In words; empty: nothing more is known. */
  readonly more: string;
  readonly ambiguous: boolean;
}

export interface InboxAnswer {
  readonly rows: readonly {
    readonly id: string;
    readonly priority: string;
    readonly sequence: number;
    readonly useCase: string;
    readonly born: number;
    readonly deadline: number;
    readonly event: unknown;
  }[];
  readonly more: boolean;
}

export interface DeviceAnswer {
  readonly id: string;
  /** The row of the table of owners; null: no device has this id. */
  readonly device: { readonly [field: string]: unknown } | null;
  /** Devices of the member whose id it is; empty: no member has it. */
  readonly memberDevices: readonly { readonly deviceId: string; readonly class: string }[];
  /** Null: offline. */
  readonly presence: { readonly gatewayId: string; readonly connectedAt: number } | null;
  /** What the device has not acknowledged; null: no inbox here, or no device. */
  readonly inbox: InboxAnswer | null;
  readonly history: readonly Milestone[];
  /** What could not be looked through in time; empty: all was. */
  readonly unread: readonly string[];
}

export interface DeadLetter {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly at: number;
  readonly key: string | null;
  readonly code: string;
  readonly reason: string;
  readonly mend: string;
  /** `stream/step`. */
  readonly step: string;
  /** `topic/partition@offset`. */
  readonly origin: string;
  readonly value: unknown;
}

export interface DeadLetterGroup {
  readonly code: string;
  readonly slug: string;
  /** The topic; empty: they do not say. */
  readonly origin: string;
  readonly n: number;
  /** Epoch ms of the oldest and the newest event. */
  readonly first: number;
  readonly last: number;
  /** False: of a topic that nothing is sent back to. */
  readonly canGoBack: boolean;
}

export interface DeadLettersAnswer {
  readonly total: number;
  /** By code and the topic that they came from; most first. */
  readonly groups: readonly DeadLetterGroup[];
  /** From when on, epoch ms. */
  readonly since: number;
  /** The newest first, a bounded number of them. */
  readonly newest: readonly DeadLetter[];
  readonly unread: readonly string[];
}

/** What would be sent back, or was. */
export interface RedriveAnswer {
  readonly groups: readonly {
    readonly code: string;
    readonly origin: string;
    readonly n: number;
  }[];
  readonly toSend: number;
  readonly alreadySent: number;
  /** Of no topic of events. */
  readonly ofOthers: number;
  /** They hold what a step had made, and not what came. */
  readonly changed: number;
  /** Where was looked: only what lies before it is sent. */
  readonly upTo: string;
  /** Null: it was only looked at. */
  readonly sent: number | null;
}

/** A row of a step's state. */
export interface StateRow {
  readonly store: string;
  readonly priority: string | null;
  readonly partition: number;
  /** A text, or the values that make the key; null: what the step keeps for all keys. */
  readonly key: unknown;
  /** The row's number below its key: when a window begins, or a place. */
  readonly n?: number;
  readonly row: unknown;
  /** When the step looks at it again, on the step's clock; null: never. Epoch ms. */
  readonly due: number | null;
  /** The clock at the commit that wrote it, epoch ms. */
  readonly written: number;
}

export interface StateAnswer {
  readonly store: string;
  /** How many rows were asked for; there are more than `rows` where the bound was met. */
  readonly matched: number;
  readonly total: number;
  readonly rows: readonly StateRow[];
  /** Not read to its end. */
  readonly unread: readonly string[];
}

/** A record of a live query. */
export interface LiveRecord {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly at: number;
  readonly key: string | null;
  readonly value: unknown;
}

/** What came since the line before. */
export interface LiveLine {
  /** Those that are followed: of events that were not named, those that have all fields. */
  readonly topics: readonly string[];
  readonly read: number;
  readonly matched: number;
  /** Records that have no such fields, or do not decode. */
  readonly unjudged: number;
  /** Matches that are not shown, as too many came. */
  readonly leftOut: number;
  readonly records: readonly LiveRecord[];
  /** Why it ends; absent: it goes on. */
  readonly end?: string;
}
