/** Groups and their offsets. */
import {
  HEARTBEAT,
  JOIN_GROUP,
  LEAVE_GROUP,
  OFFSET_COMMIT,
  OFFSET_FETCH,
  SYNC_GROUP,
} from '../../../connectors/kafka/wire/group-requests.ts';
import {
  codes,
  FAR,
  type Json,
  MEMBER,
  type MessageRow,
  OFFSETS,
  OFFSETS_JSON,
  PARTITIONS,
  request,
  response,
} from './message.ts';

const LARGE = Buffer.alloc(3_000, 0xa5);
const SMALL = Buffer.from('records');
const joinMessage = (errorCode: number) => () => ({
  throttleTimeMs: 2,
  errorCode,
  generationId: 8,
  protocolType: 'consumer',
  protocolName: errorCode === 0 ? 'carillon' : null,
  leader: 'm-1',
  memberId: 'm-2',
  members: [
    { memberId: 'm-1', groupInstanceId: null, metadata: SMALL.toString('base64') },
    { memberId: 'm-2', groupInstanceId: 'i', metadata: '' },
  ],
});
const joined = (code: number, isOnlyId: boolean, protocol: string) => () => ({
  throttleMs: 2,
  code,
  generation: 8,
  protocol,
  leader: 'm-1',
  memberId: 'm-2',
  isOnlyId,
  members: [
    { memberId: 'm-1', subscription: SMALL },
    { memberId: 'm-2', subscription: Buffer.alloc(0) },
  ],
});

const fetchedOffset = (
  partitionIndex: number,
  committed: number,
  metadata: Json,
  errorCode: number,
) => ({
  partitionIndex,
  committedOffset: committed,
  committedLeaderEpoch: 4,
  metadata,
  errorCode,
});
const offsetFetchAnswer = (errorCode: number, failed: number) => () => ({
  throttleTimeMs: 3,
  topics: [
    {
      name: 'a',
      partitions: [fetchedOffset(0, FAR, 'm', 0), fetchedOffset(1, -1, '', failed)],
    },
  ],
  errorCode,
});
const offsetsFetched = (code: number) => () => ({
  throttleMs: 3,
  code,
  offsets: [
    { topic: 'a', partition: 0, offset: FAR, metadata: 'm' },
    { topic: 'a', partition: 1, offset: -1, metadata: '' },
  ],
});

export const GROUP_MESSAGES: readonly MessageRow[] = [
  request(
    JOIN_GROUP,
    {
      group: 'g',
      sessionTimeoutMs: 10_000,
      rebalanceTimeoutMs: 60_000,
      memberId: '',
      protocol: 'carillon',
      subscription: SMALL,
    },
    () => ({
      groupId: 'g',
      sessionTimeoutMs: 10_000,
      rebalanceTimeoutMs: 60_000,
      memberId: '',
      groupInstanceId: null,
      protocolType: 'consumer',
      protocols: [{ name: 'carillon', metadata: SMALL.toString('base64') }],
    }),
  ),
  response(JOIN_GROUP, joinMessage(0), joined(0, false, 'carillon')),
  // An answer, not an error: the id is asked with next.
  response(JOIN_GROUP, joinMessage(79), joined(0, true, '')),
  response(JOIN_GROUP, joinMessage(25), joined(25, false, '')),
  request(
    SYNC_GROUP,
    {
      ...MEMBER,
      protocol: 'carillon',
      assignments: new Map([
        ['m-1', LARGE],
        ['m-2', Buffer.alloc(0)],
      ]),
    },
    () => ({
      groupId: 'g',
      generationId: 70_000,
      memberId: 'm-1',
      groupInstanceId: null,
      protocolType: 'consumer',
      protocolName: 'carillon',
      assignments: [
        { memberId: 'm-1', assignment: LARGE.toString('base64') },
        { memberId: 'm-2', assignment: '' },
      ],
    }),
  ),
  response(
    SYNC_GROUP,
    () => ({
      throttleTimeMs: 1,
      errorCode: 27,
      protocolType: null,
      protocolName: null,
      assignment: SMALL.toString('base64'),
    }),
    () => ({ throttleMs: 1, code: 27, assignment: SMALL }),
  ),
  request(HEARTBEAT, MEMBER, () => ({
    groupId: 'g',
    generationId: 70_000,
    memberId: 'm-1',
    groupInstanceId: null,
  })),
  response(
    HEARTBEAT,
    () => ({ throttleTimeMs: 1, errorCode: 27 }),
    () => ({ throttleMs: 1, code: 27 }),
  ),
  request(LEAVE_GROUP, { group: 'g', memberId: 'm-1' }, () => ({
    groupId: 'g',
    members: [{ memberId: 'm-1', groupInstanceId: null }],
  })),
  ...(
    [
      [0, 25, 25],
      [16, 25, 16],
      [0, 0, 0],
    ] as const
  ).map(([whole, member, code]) =>
    response(
      LEAVE_GROUP,
      () => ({
        throttleTimeMs: 1,
        errorCode: whole,
        members: [{ memberId: 'm-1', groupInstanceId: null, errorCode: member }],
      }),
      () => ({ throttleMs: 1, code }),
    ),
  ),
  ...[true, false].map((requireStable) =>
    request(OFFSET_FETCH, { group: 'g', partitions: PARTITIONS, requireStable }, () => ({
      groupId: 'g',
      topics: [
        { name: 'a', partitionIndexes: [1, 0] },
        { name: 'b', partitionIndexes: [2] },
      ],
      requireStable,
    })),
  ),
  response(OFFSET_FETCH, offsetFetchAnswer(0, 0), offsetsFetched(0)),
  response(OFFSET_FETCH, offsetFetchAnswer(0, 88), offsetsFetched(88)),
  response(OFFSET_FETCH, offsetFetchAnswer(16, 88), offsetsFetched(16)),
  request(OFFSET_COMMIT, { ...MEMBER, offsets: OFFSETS }, () => ({
    groupId: 'g',
    generationIdOrMemberEpoch: 70_000,
    memberId: 'm-1',
    groupInstanceId: null,
    topics: OFFSETS_JSON,
  })),
  response(
    OFFSET_COMMIT,
    () => codes('topics', 'partitions', 'partitionIndex', 'errorCode', 0, 22, 25) as Json,
    () => ({ throttleMs: 11, code: 22 }),
  ),
];
