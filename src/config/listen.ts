/** An address to listen on; `host` without the brackets of an IPv6 address. */
export interface Listen {
  host: string;
  port: number;
}

/** Reads `host:port`, `[::1]:port`; undefined when it is not that or the port is above 65535. */
export function parseListen(text: string): Listen | undefined {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9.-]+)):([0-9]{1,5})$/.exec(text);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  return host && port <= 65535 ? { host, port } : undefined;
}

/** True for addresses that only programs on this machine can reach. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);
}

/** Writes an address back, `[::1]:8080`. */
export function formatListen({ host, port }: Listen): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}
