/**
 * The tables that every topology with lanes has: where their rows lie, and by what they are keyed.
 */
export interface EngineTable {
  readonly topic: string;
  readonly schema: string;
  /** The field that the key repeats. */
  readonly key: string;
}

export const OWNERS: EngineTable = {
  topic: 'tables.device-owners',
  schema: 'Device',
  key: 'deviceId',
};
export const DEVICES: EngineTable = {
  topic: 'tables.devices',
  schema: 'MemberDevices',
  key: 'memberId',
};
export const PRESENCE: EngineTable = {
  topic: 'tables.presence',
  schema: 'Presence',
  key: 'deviceId',
};
export const GATEWAYS: EngineTable = {
  topic: 'tables.gateways',
  schema: 'Gateway',
  key: 'gatewayId',
};
/** Only where a use case is to be acknowledged (`guarantee: acked`). */
export const ACKNOWLEDGEMENTS: EngineTable = {
  topic: 'tables.acknowledgements',
  schema: 'Acknowledgement',
  key: 'deviceId',
};

/** The one whose rows have that schema. */
export function engineTableOf(schema: string): EngineTable | undefined {
  return [OWNERS, DEVICES, PRESENCE, GATEWAYS, ACKNOWLEDGEMENTS].find(
    (table) => table.schema === schema,
  );
}
