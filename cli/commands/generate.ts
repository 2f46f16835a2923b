/** `carillon generate`: writes the generated files, or says which are stale. */
import { CarillonError, CarillonErrors } from '../../core/error.ts';
import { generatedFiles, staleFiles, writeFiles } from '../generate.ts';
import { EXIT_OK } from '../show-error.ts';

/** Throws CAR905 for each stale file when only checking. */
export async function generate(options: { readonly check?: boolean }): Promise<number> {
  const files = generatedFiles();
  const stale = staleFiles(files);
  if (options.check === true) {
    if (stale.length === 0) {
      process.stdout.write(`${files.length} generated files are up to date.\n`);
      return EXIT_OK;
    }
    throw new CarillonErrors(
      stale.map(
        (file) =>
          new CarillonError('CAR905', 'it does not say what the code says.', { where: { file } }),
      ),
    );
  }
  writeFiles(files);
  for (const { path } of files) {
    process.stdout.write(`${path}  ${stale.includes(path) ? 'written' : 'unchanged'}\n`);
  }
  return EXIT_OK;
}
