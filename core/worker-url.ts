/**
 * Where the file of a worker thread lies. It is named by `new URL`, which no compiler rewrites: in
 * a clone it is TypeScript, in the published package JavaScript, as the file that starts it.
 *
 * `name`: without its ending, beside the starter; `starter`: its `import.meta.url`.
 */
export function workerUrl(name: string, starter: string): URL {
  return new URL(`./${name}${starter.endsWith('.ts') ? '.ts' : '.js'}`, starter);
}
