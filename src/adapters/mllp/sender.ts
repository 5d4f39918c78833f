/** Who a peer is by its certificate, and for which sending systems it may speak. */
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { type Fault, fault } from '../../errors.ts';
import { envelope } from '../../formats/hl7v2/index.ts';
import type { MllpConfig } from './config.ts';

/** SHA-256 of the certificate the peer showed, upper-case hexadecimal; undefined when it showed none that is trusted. */
export function fingerprintOf(socket: Socket): string | undefined {
  const { authorized, getPeerX509Certificate } = socket as TLSSocket;
  if (!authorized || typeof getPeerX509Certificate !== 'function') return undefined;
  return plain((socket as TLSSocket).getPeerX509Certificate()?.fingerprint256 ?? '') || undefined;
}

/** What stands against this message from this peer: MSH-3 and MSH-4 name a system its certificate does not speak for. */
export function unproven(
  message: Uint8Array,
  fingerprint: string | undefined,
  senders: MllpConfig['senders'],
): Fault | undefined {
  if (senders === undefined) return undefined;
  const { application, facility } = envelope(message);
  const name = `${application}|${facility}`;
  const known = Object.hasOwn(senders, name) ? (senders[name] ?? []) : [];
  const isKnown = fingerprint !== undefined && known.some((one) => plain(one) === fingerprint);
  return isKnown ? undefined : fault('sender-unproven');
}

function plain(fingerprint: string): string {
  return fingerprint.replaceAll(':', '').toUpperCase();
}
