import type { Hl7v2Tree } from '../../../src/formats/hl7v2/index.ts';

interface Shape {
  end?: string;
  msh?: string;
  charset?: string;
}

/** A message of an invented hospital: an MSH and the segments given, as UTF-8. */
export function message(...parts: (string | Shape)[]): Buffer {
  const shape = (parts.find((one) => typeof one === 'object') ?? {}) as Shape;
  const segments = parts.filter((one) => typeof one === 'string');
  const msh =
    shape.msh ??
    `MSH|^~\\&|GAM|CH-ALPHA|PASSERELLE|CH-BETA|20240115103000||ADT^A08^ADT_A01|MSG-1|P|2.5^FRA^2.11|||||FRA|${shape.charset ?? 'UNICODE UTF-8'}|||2.11^IHE_FRANCE-2.11-PAM`;
  const end = shape.end ?? '\r';
  return Buffer.from([msh, ...segments].map((one) => one + end).join(''));
}

/** Names of the segments in their order. */
export function segments(tree: Hl7v2Tree): string[] {
  return tree.raw.segments.map((one) => one.fields[0]!);
}
