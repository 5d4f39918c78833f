import { mintToken } from '../access/index.ts';
import type { Config } from '../config.ts';
import type { Words } from '../errors/entry.ts';
import { fault, PasserelleError } from '../errors.ts';
import { type Language, UsageError } from './command.ts';

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
 * @param language in which it explains a refusal
 * @param clientId under which the audit shows the command
 */
export async function runningGateway(
  config: Config,
  address: string | undefined,
  clientId: string,
  language: Language,
): Promise<RunningGateway> {
  if (address !== undefined && !/^https?:\/\/[^/]/.test(address)) {
    throw new UsageError({
      fr: '--gateway : attendu http(s)://hôte:port.',
      en: '--gateway: expected http(s)://host:port.',
    });
  }
  const base = (address ?? addressOf(config, '--gateway URL')).replace(/\/$/, '');
  const fhir = `${base}/fhir/R4/`;
  const ask = async (url: string, headers: Record<string, string>): Promise<GatewayAnswer> => {
    try {
      const answer = await fetch(url, { headers, signal: AbortSignal.timeout(60_000), redirect: 'manual' });
      return { status: answer.status, text: await answer.text() };
    } catch (error) {
      throw unreachable(base, reasonOf(error));
    }
  };
  // Where nobody listens no token is needed, and no folder with the keys of one.
  await ask(`${base}/health`, {});
  const token = await mintToken(config, { clientId, seconds: 600 });
  return {
    fhir,
    get: (path, accept = 'application/fhir+json') =>
      ask(`${fhir}${path}`, { authorization: `Bearer ${token}`, accept, 'accept-language': language }),
  };
}

/** `fetch` says only that it failed; what happened is in its cause. */
function reasonOf(error: unknown): string | Words {
  const { name, message = 'no answer', cause } = error as Error;
  if (name === 'TimeoutError') return 'ETIMEDOUT';
  return (cause as NodeJS.ErrnoException | undefined)?.code ?? message;
}

/** What a gateway answered, read; another program may listen there, or a gateway of another data folder. */
export function readAnswer<T>(address: string, { status, text }: GatewayAnswer): T {
  if (status === 401) {
    throw unreachable(address, {
      fr: '401 : elle refuse les jetons de ce dossier de données, PASSERELLE_DATA doit nommer le sien',
      en: '401: it refuses tokens of this data folder, PASSERELLE_DATA must name its own',
    });
  }
  try {
    return JSON.parse(text) as T;
  } catch {
    throw unreachable(address, {
      fr: `${status} : ce qui répond n’est pas une passerelle`,
      en: `${status}: what answers is no gateway`,
    });
  }
}

/**
 * Where the gateway of this configuration listens for HTTP; no slash at its end. Throws `port-unknown` for port 0, with the
 * `option` that helps.
 */
export function addressOf({ http }: Config, option: string): string {
  if (http.listen.endsWith(':0')) {
    const params = { setting: 'PASSERELLE_HTTP (http.listen)', address: http.listen, option };
    throw new PasserelleError(fault('port-unknown', { params }));
  }
  return `${http.tls ? 'https' : 'http'}://${http.listen}`;
}

/** The gateway cannot be used: nobody there, or an answer that is none. */
export function unreachable(address: string, reason: string | Words): PasserelleError {
  return new PasserelleError(fault('server-unreachable', { params: { address, reason } }));
}
