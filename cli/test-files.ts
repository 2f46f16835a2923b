/** Which test file belongs to which topology: `reno.test.yaml` tests the `reno.yaml` beside it. */
const TEST_ENDING = /\.test(\.ya?ml)$/;

export function isTestFile(path: string): boolean {
  return TEST_ENDING.test(path);
}

/** The topology that a test file is for. */
export function topologyOf(test: string): string {
  return test.replace(TEST_ENDING, '$1');
}

/** The test file of a topology, be it there or not. */
export function testOf(topology: string): string {
  return topology.replace(/(\.ya?ml)$/, '.test$1');
}
