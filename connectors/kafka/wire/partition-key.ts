/** A partition as the key of a map, and as it is named in messages. */
export function partitionKey(of: { readonly topic: string; readonly partition: number }): string {
  return `${of.topic}/${of.partition}`;
}
