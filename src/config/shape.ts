import type { JSONWebKeySet } from 'jose';

/**
 * The configuration once it is read, checked and completed. Meaning and default of every setting stand in one place,
 * `src/config.schema.json`; this file only gives them types. File and folder names are absolute.
 */
export interface Config {
  data: string;
  timezone: string;
  http: HttpConfig;
  doors: DoorEntry[];
  destinations: DoorEntry[];
  fhir: {
    server: string;
    headers: Record<string, string>;
    timeoutSeconds: number;
    connections: number;
    abilities?: ('updateCreate' | 'conditionalCreate' | 'conditionalUpdate')[];
    together: number;
  };
  journal: string;
  log: { level: LogLevel };
  access: AccessConfig;
  limits: {
    messageBytes: number;
    formBytes: number;
    entries: number;
    requestsPerMinute: number;
    waiting: { high: number; low: number };
    workers: number;
  };
  conformance: { errors: 'quarantine' | 'refuse' | 'deliver' };
  recipients: { unnamed: ('general-practitioner' | 'care-team')[] };
  retry: { firstSeconds: number; maxSeconds: number; giveUpHours: number };
  retention: { deliveredDays: number; refusedDays: number; deadDays: number };
  schedule: { purge: string; deadlines: string };
  folders: { mappings: string; profiles: string[] };
}

/** Levels of the log, as pino names them. */
export type LogLevel = 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace' | 'silent';

/** The HTTP listener; times in seconds. */
export interface HttpConfig {
  listen: string;
  publicUrl?: string;
  tls?: TlsConfig;
  requestSeconds: number;
  headerSeconds: number;
  idleSeconds: number;
  connections: number;
}

/** Files of a TLS listener (PEM) and what it asks of its clients. */
export interface TlsConfig {
  cert: string;
  key: string;
  ca?: string;
  clientCertificate: 'none' | 'request' | 'require';
  minVersion: 'TLSv1.2' | 'TLSv1.3';
}

/** One instance of a door; what else it holds is checked against the `configSchema` of its type. */
export interface DoorEntry {
  name: string;
  type: string;
  listen?: string;
  tls?: TlsConfig;
  poll?: string;
  /** From how many waiting messages on this door refuses, and until how few. */
  waiting?: { high: number; low: number };
  [setting: string]: unknown;
}

/** Who may come in: the issuer of tokens, other issuers, clients, login of persons. */
export interface AccessConfig {
  issuer: {
    kind: 'development' | 'own' | 'none';
    url?: string;
    keys?: string;
    tokenSeconds: number;
    refreshSeconds: number;
  };
  login?: LoginConfig;
  audience?: string;
  trusted: TrustedIssuer[];
  clients: ClientEntry[];
}

/** The OpenID Connect provider where persons log in. */
export interface LoginConfig {
  issuer: string;
  clientId: string;
  clientSecret: string;
  scope: string;
  parameters: Record<string, string>;
}

/** Another issuer whose tokens are taken; has one of `jwks` and `jwks_uri`. */
export interface TrustedIssuer {
  issuer: string;
  audience?: string;
  jwks?: JSONWebKeySet;
  jwks_uri?: string;
  algorithms: string[];
}

/** A program that may ask for tokens; without keys it only gives a default scope to `passerelle token`. */
export interface ClientEntry {
  client_id: string;
  name?: string;
  scopes: string;
  programmes?: string[];
  redirect_uris?: string[];
  bound?: boolean;
  jwks?: JSONWebKeySet;
  jwks_uri?: string;
}
