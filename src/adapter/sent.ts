/** Errors of a socket before a request can have been read. */
const BEFORE_SENDING = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
]);

/** True when nothing can have happened on the other side: a request may be repeated without looking first. */
export function neverSent(code: string | undefined): boolean {
  return code !== undefined && BEFORE_SENDING.has(code);
}
