import type { Bundle } from '@medplum/fhirtypes';
import type { Config } from '../config.ts';
import type { Fault } from '../errors.ts';
import type { Converted, ConvertOptions } from '../pipeline/convert-bytes.ts';
import { exit, type Io, UsageError } from './command.ts';
import { faultLine } from './text.ts';

/** Runs the pure part of the pipeline with the maps, profiles and rules that the configuration names. */
export async function convertBy(config: Config, bytes: Uint8Array, options: ConvertOptions): Promise<Converted> {
  const [{ furnished }, { convertBytes }] = await Promise.all([
    import('../gateway/furnish.ts'),
    import('../pipeline/convert-bytes.ts'),
  ]);
  return convertBytes(bytes, options, furnished(config.folders));
}

/** Refuses the name of a route that is not there. */
export async function checkRoute({ folders }: Config, route: string | undefined): Promise<void> {
  if (route === undefined) return;
  const { furnished } = await import('../gateway/furnish.ts');
  knownRoute(
    route,
    furnished(folders).translator.routes.map(({ name }) => name),
  );
}

/** A name that no route has, or that no spreadsheet is declared for, is a slip of the pen: the sentence names those there are. */
function knownRoute(route: string | undefined, names: string[]): void {
  if (route === undefined || names.includes(route)) return;
  const list = names.toSorted().join(', ');
  if (route === '')
    throw new UsageError({ fr: `--route est nécessaire : ${list}.`, en: `--route is needed: ${list}.` });
  throw new UsageError({
    fr: `--route ${route} : inconnue pour ce fichier. Routes : ${list}.`,
    en: `--route ${route}: not known for this file. Routes: ${list}.`,
  });
}

/**
 * Converts a spreadsheet row by row: stdout is a collection of the transactions of the good rows, stderr what is wrong with the
 * others, by row and column.
 */
export async function convertSheet(
  config: Config,
  bytes: Uint8Array,
  format: 'csv' | 'xlsx',
  route: string | undefined,
  io: Io,
): Promise<number> {
  const [{ furnished }, { convertBytes }, { readTable }] = await Promise.all([
    import('../gateway/furnish.ts'),
    import('../pipeline/convert-bytes.ts'),
    import('../formats/table/index.ts'),
  ]);
  const tell = (faults: Fault[]) => {
    for (const one of faults) io.err(`${faultLine(one, io.language)}\n`);
  };
  const house = furnished(config.folders);
  knownRoute(route ?? '', house.translator.sheetRoutes);
  const table = await readTable(bytes, format);
  const read = table.faults.length > 0 ? undefined : house.translator.readSheet(route ?? '', table.rows);
  if (!read) {
    tell(table.faults);
    return exit.refused;
  }
  tell(read.faults);
  const bundles: Bundle[] = [];
  for (const { row, form, faults } of read.rows) {
    tell(faults);
    if (!form) continue;
    const json = Buffer.from(JSON.stringify(form));
    const { bundle, issues } = await convertBytes(json, { route, format: 'json', now: new Date() }, house);
    tell(
      issues.map((one) => ({ ...one, place: `${io.language === 'fr' ? 'ligne' : 'row'} ${row}, ${one.place ?? ''}` })),
    );
    if (bundle) bundles.push(bundle);
  }
  const entry = bundles.map((resource) => ({ resource }));
  io.out(`${JSON.stringify({ resourceType: 'Bundle', type: 'collection', entry }, null, 2)}\n`);
  return bundles.length === read.rows.length && bundles.length > 0 ? exit.done : exit.refused;
}
