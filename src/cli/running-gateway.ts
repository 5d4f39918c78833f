import { mintToken } from '../access/index.ts';
import type { Config } from '../config.ts';
import { fault, PasserelleError } from '../errors.ts';

/** What a gateway that runs answered. */
export interface GatewayAnswer {
  status: number;
  text: string;
}

/** A gateway that runs, asked with a token of this data folder's issuer. */
export interface RunningGateway {
  /** Base of its FHIR API, with a slash at its end. */
  fhir: string;
  /** GET of a path below the base. @throws PasserelleError `server-unreachable` when none answers within a minute. */
  get(path: string, accept?: string): Promise<GatewayAnswer>;
}

/**
 * The gateway at `address`, else the one the configuration describes. Redirections are not followed: the token goes to nobody
 * an answer names.
 * @param clientId under which the audit shows the command
 */
export async function runningGateway(
  config: Config,
  address: string | undefined,
  clientId: string,
): Promise<RunningGateway> {
  const base = (address ?? addressOf(config)).replace(/\/$/, '');
  const fhir = `${base}/fhir/R4/`;
  const token = await mintToken(config, { clientId, seconds: 600 });
  return {
    fhir,
    async get(path, accept = 'application/fhir+json') {
      try {
        const headers = { authorization: `Bearer ${token}`, accept };
        const signal = AbortSignal.timeout(60_000);
        const answer = await fetch(`${fhir}${path}`, { headers, signal, redirect: 'manual' });
        return { status: answer.status, text: await answer.text() };
      } catch (error) {
        throw unreachable(base, error instanceof Error ? error.message : 'no answer');
      }
    },
  };
}

/** Where the gateway of this configuration listens for HTTP; no slash at its end. */
export function addressOf({ http }: Config): string {
  return `${http.tls ? 'https' : 'http'}://${http.listen}`;
}

/** The gateway cannot be used: nobody there, or an answer that is none. */
export function unreachable(address: string, reason: string): PasserelleError {
  return new PasserelleError(fault('server-unreachable', { params: { address, reason } }));
}
