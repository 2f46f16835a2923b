/** Coordinators, topics, records, versions. */
import { API_VERSIONS } from '../../../connectors/kafka/wire/api-versions.ts';
import { FIND_COORDINATOR } from '../../../connectors/kafka/wire/coordinator.ts';
import { FETCH } from '../../../connectors/kafka/wire/fetch-request.ts';
import { LIST_OFFSETS } from '../../../connectors/kafka/wire/list-offsets.ts';
import { METADATA } from '../../../connectors/kafka/wire/metadata-request.ts';
import { PRODUCE, PRODUCE_AND_ADD } from '../../../connectors/kafka/wire/produce-request.ts';
import { FAR, type Json, type MessageRow, request, response } from './message.ts';

/** Kafka's JSON writes ids in Base64, our codecs hexadecimal digits. */
const ID = '00112233445566778899aabbccddeeff';
const ID64 = Buffer.from(ID, 'hex').toString('base64url');
const NO_ID64 = Buffer.alloc(16).toString('base64url');
const OTHER_ID = 'ff'.repeat(16);

const WANTED = [
  { topic: 'a', partition: 3, offset: FAR, topicId: ID, maxBytes: 77 },
  { topic: 'a', partition: 4, offset: 0, topicId: ID },
  { topic: 'b', partition: 0, offset: 9, topicId: OTHER_ID },
];
const BY_ID = 13;
const named = (version: number, topic: string, id: string, key: string): { [k: string]: Json } =>
  version >= BY_ID ? { topicId: Buffer.from(id, 'hex').toString('base64url') } : { [key]: topic };
const fetchPartition = (partition: number, fetchOffset: number, partitionMaxBytes: number) => ({
  partition,
  currentLeaderEpoch: -1,
  fetchOffset,
  lastFetchedEpoch: -1,
  logStartOffset: -1,
  partitionMaxBytes,
});
const fetchMessage =
  (isolationLevel: number) =>
  (version: number): Json => ({
    replicaId: -1,
    maxWaitMs: 500,
    minBytes: 1,
    maxBytes: 5_000_000,
    isolationLevel,
    sessionId: 0,
    sessionEpoch: -1,
    topics: [
      {
        ...named(version, 'a', ID, 'topic'),
        partitions: [fetchPartition(3, FAR, 77), fetchPartition(4, 0, 1024 * 1024)],
      },
      {
        ...named(version, 'b', OTHER_ID, 'topic'),
        partitions: [fetchPartition(0, 9, 1024 * 1024)],
      },
    ],
    forgottenTopicsData: [],
    rackId: '',
  });
const ask = { wanted: WANTED, maxWaitMs: 500, minBytes: 1, maxBytes: 5_000_000 };

const metadataPartition = (errorCode: number, partitionIndex: number, leaderId: number) => ({
  errorCode,
  partitionIndex,
  leaderId,
  leaderEpoch: 3,
  replicaNodes: [1, 2],
  isrNodes: [1],
  offlineReplicas: [],
});

export const TOPIC_MESSAGES: readonly MessageRow[] = [
  request(FIND_COORDINATOR, { key: 'g-ü', kind: 1 }, () => ({ key: 'g-ü', keyType: 1 })),
  response(
    FIND_COORDINATOR,
    () => ({
      throttleTimeMs: 5,
      errorCode: 15,
      errorMessage: 'not yet',
      nodeId: 3,
      host: 'h',
      port: 9092,
    }),
    () => ({ throttleMs: 5, code: 15, node: 3 }),
  ),
  request(METADATA, ['a', 'ü'], (version) => ({
    topics: ['a', 'ü'].map((name) => ({ topicId: NO_ID64, name })),
    allowAutoTopicCreation: false,
    ...(version <= 10 ? { includeClusterAuthorizedOperations: false } : {}),
    includeTopicAuthorizedOperations: false,
  })),
  response(
    METADATA,
    (version) => ({
      throttleTimeMs: 0,
      brokers: [
        { nodeId: 1, host: 'one', port: 9092, rack: null },
        { nodeId: 2, host: 'two', port: 9093, rack: 'r' },
      ],
      clusterId: 'c',
      controllerId: 1,
      topics: [
        {
          errorCode: 0,
          name: 'a',
          topicId: ID64,
          isInternal: false,
          partitions: [metadataPartition(0, 2, 2), metadataPartition(5, 0, -1)],
          topicAuthorizedOperations: -2147483648,
        },
        {
          errorCode: 3,
          name: 'gone',
          topicId: NO_ID64,
          isInternal: false,
          partitions: [],
          topicAuthorizedOperations: -2147483648,
        },
      ],
      ...(version <= 10 ? { clusterAuthorizedOperations: -2147483648 } : {}),
    }),
    () => ({
      brokers: new Map([
        [1, { host: 'one', port: 9092 }],
        [2, { host: 'two', port: 9093 }],
      ]),
      topics: [{ name: 'a', id: ID, leaders: [-1, -1, 2] }],
      failed: new Map([['gone', 'UNKNOWN_TOPIC_OR_PARTITION']]),
    }),
  ),
  request(
    LIST_OFFSETS,
    {
      reads: 'committed',
      questions: [
        { topic: 'a', partition: 0, at: 'start' },
        { topic: 'b', partition: 1, at: 'end' },
        { topic: 'a', partition: 2, at: 1_800_000_000_000 },
      ],
    },
    () => ({
      replicaId: -1,
      isolationLevel: 1,
      topics: [
        {
          name: 'a',
          partitions: [
            { partitionIndex: 0, currentLeaderEpoch: -1, timestamp: -2 },
            { partitionIndex: 2, currentLeaderEpoch: -1, timestamp: 1_800_000_000_000 },
          ],
        },
        { name: 'b', partitions: [{ partitionIndex: 1, currentLeaderEpoch: -1, timestamp: -1 }] },
      ],
    }),
  ),
  request(LIST_OFFSETS, { reads: 'written', questions: [] }, () => ({
    replicaId: -1,
    isolationLevel: 0,
    topics: [],
  })),
  response(
    LIST_OFFSETS,
    () => ({
      throttleTimeMs: 1,
      topics: [
        {
          name: 'a',
          partitions: [
            { partitionIndex: 0, errorCode: 0, timestamp: -1, offset: FAR, leaderEpoch: 2 },
            { partitionIndex: 1, errorCode: 6, timestamp: -1, offset: -1, leaderEpoch: -1 },
          ],
        },
      ],
    }),
    () => ({
      throttleMs: 1,
      offsets: new Map([
        ['a/0', { code: 0, offset: FAR }],
        ['a/1', { code: 6, offset: -1 }],
      ]),
    }),
  ),
  request(FETCH, { ...ask, readCommitted: true }, fetchMessage(1)),
  request(FETCH, { ...ask, readCommitted: false }, fetchMessage(0)),
  response(
    FETCH,
    (version) => ({
      throttleTimeMs: 9,
      errorCode: 0,
      sessionId: 0,
      responses: [
        {
          ...named(version, 'b', OTHER_ID, 'topic'),
          partitions: [
            {
              partitionIndex: 0,
              errorCode: 6,
              highWatermark: -1,
              lastStableOffset: -1,
              logStartOffset: -1,
              abortedTransactions: null,
              preferredReadReplica: -1,
              records: null,
            },
          ],
        },
        {
          ...named(version, 'a', ID, 'topic'),
          partitions: [4, 3, 8].map((partitionIndex) => ({
            partitionIndex,
            errorCode: 0,
            highWatermark: FAR,
            lastStableOffset: FAR - 1,
            logStartOffset: 2,
            abortedTransactions: [{ producerId: 2 ** 40, firstOffset: 4 }],
            preferredReadReplica: -1,
            records: null,
          })),
        },
      ],
    }),
    () => ({
      throttleMs: 9,
      code: 0,
      partitions: [
        {
          wanted: WANTED[2]!,
          code: 6,
          highWatermark: -1,
          lastStableOffset: -1,
          logStartOffset: -1,
          aborted: [],
          bytes: Buffer.alloc(0),
        },
        // Partition 8 was not asked for.
        ...[WANTED[1]!, WANTED[0]!].map((wanted) => ({
          wanted,
          code: 0,
          highWatermark: FAR,
          lastStableOffset: FAR - 1,
          logStartOffset: 2,
          aborted: [{ producerId: 2 ** 40, firstOffset: 4 }],
          bytes: Buffer.alloc(0),
        })),
      ],
    }),
    { ...ask, readCommitted: true },
  ),
  ...[PRODUCE, PRODUCE_AND_ADD].map((api) =>
    response(
      api,
      () => ({
        responses: [
          {
            name: 'a',
            partitionResponses: [
              {
                index: 2,
                errorCode: 0,
                baseOffset: FAR,
                logAppendTimeMs: -1,
                logStartOffset: 0,
                recordErrors: [],
                errorMessage: null,
              },
              {
                index: 3,
                errorCode: 87,
                baseOffset: -1,
                logAppendTimeMs: -1,
                logStartOffset: -1,
                recordErrors: [
                  { batchIndex: 0, batchIndexErrorMessage: null },
                  { batchIndex: 1, batchIndexErrorMessage: 'no key' },
                ],
                errorMessage: null,
              },
              {
                index: 4,
                errorCode: 87,
                baseOffset: -1,
                logAppendTimeMs: -1,
                logStartOffset: -1,
                recordErrors: [{ batchIndex: 1, batchIndexErrorMessage: 'no key' }],
                errorMessage: 'refused',
              },
            ],
          },
        ],
        throttleTimeMs: 6,
      }),
      () => ({
        throttleMs: 6,
        partitions: [
          { topic: 'a', partition: 2, code: 0, baseOffset: FAR, why: '' },
          { topic: 'a', partition: 3, code: 87, baseOffset: -1, why: 'no key' },
          { topic: 'a', partition: 4, code: 87, baseOffset: -1, why: 'refused' },
        ],
      }),
    ),
  ),
  request(API_VERSIONS, null, () => ({
    clientSoftwareName: 'carillon',
    clientSoftwareVersion: '1',
  })),
  ...[
    { told: [], features: { epoch: -1, levels: new Map() } },
    {
      told: [
        { name: 'transaction.version', maxVersionLevel: 2, minVersionLevel: 1 },
        { name: 'group.version', maxVersionLevel: 1, minVersionLevel: 1 },
      ],
      features: {
        epoch: FAR,
        levels: new Map([
          ['transaction.version', 2],
          ['group.version', 1],
        ]),
      },
    },
  ].map(({ told, features }) =>
    response(
      API_VERSIONS,
      () => ({
        errorCode: 0,
        apiKeys: [
          { apiKey: 0, minVersion: 3, maxVersion: 12 },
          { apiKey: 26, minVersion: 0, maxVersion: 5 },
        ],
        throttleTimeMs: 3,
        supportedFeatures: [{ name: 'transaction.version', minVersion: 1, maxVersion: 3 }],
        finalizedFeaturesEpoch: features.epoch,
        finalizedFeatures: told,
      }),
      () => ({
        versions: new Map([
          [0, [3, 12] as const],
          [26, [0, 5] as const],
        ]),
        features,
      }),
    ),
  ),
];
