import type { Config } from '../config.ts';
import type { Converted, ConvertOptions } from '../pipeline/convert-bytes.ts';

/** Runs the pure part of the pipeline with the maps, profiles and rules that the configuration names. */
export async function convertBy(config: Config, bytes: Uint8Array, options: ConvertOptions): Promise<Converted> {
  const [{ furnished }, { convertBytes }] = await Promise.all([
    import('../gateway/furnish.ts'),
    import('../pipeline/convert-bytes.ts'),
  ]);
  return convertBytes(bytes, options, furnished(config.folders));
}
