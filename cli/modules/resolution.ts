/**
 * How modules of one's own are resolved. They lie anywhere, so `carillon` is this very package,
 * installed beside them or not; and all that they import by a relative path bears the version of
 * its module, so that it is loaded anew after an edit.
 */
import { registerHooks } from 'node:module';
import { pathToFileURL } from 'node:url';
import { workerUrl } from '../../core/worker-url.ts';

const TAG = 'carillon';
const OWN = workerUrl('../exports', import.meta.url).href;
let isRegistered = false;

/** Where a version of a module is imported from. */
export function moduleUrl(file: string, version: string): string {
  const url = pathToFileURL(file);
  url.searchParams.set(TAG, version);
  return url.href;
}

export function registerResolution(): void {
  if (isRegistered) return;
  isRegistered = true;
  registerHooks({
    resolve(specifier, context, next) {
      const version = versionOf(context.parentURL);
      if (version === null) return next(specifier, context);
      if (specifier === 'carillon') return { url: OWN, shortCircuit: true };
      if (specifier === 'rxjs') return rxjs(() => next(specifier, context), next);
      const resolved = next(specifier, context);
      if (!/^\.{1,2}\//.test(specifier)) return resolved;
      const url = new URL(resolved.url);
      url.searchParams.set(TAG, version);
      return { ...resolved, url: url.href };
    },
  });
}

function versionOf(parent: string | undefined): string | null {
  return parent?.startsWith('file:') === true ? new URL(parent).searchParams.get(TAG) : null;
}

type Next = Parameters<NonNullable<Parameters<typeof registerHooks>[0]['resolve']>>[2];

/** Their own, or that of this package. */
function rxjs(theirs: () => ReturnType<Next>, next: Next): ReturnType<Next> {
  try {
    return theirs();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw error;
    return next('rxjs', { parentURL: import.meta.url });
  }
}
