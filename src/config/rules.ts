import { accessSync, constants } from 'node:fs';
import { type Fault, fault } from '../errors.ts';
import { isLoopback, parseListen } from './listen.ts';
import type { Config } from './shape.ts';

/** Each rule and the parts of the configuration it reads; it is asked only when these have the right shape. */
const rules: { reads: (keyof Config)[]; check: (config: Config) => Fault[] }[] = [
  { reads: ['http', 'doors', 'access'], check: listeners },
  { reads: ['http', 'doors'], check: certificates },
  { reads: ['doors', 'destinations'], check: doorNames },
  { reads: ['access'], check: access },
  { reads: ['timezone'], check: timezone },
  { reads: ['limits', 'doors'], check: waterMarks },
];

/** What a schema cannot say: how settings depend on each other. `misshapen` is what the schema found. */
export function checkRules(config: Config, misshapen: Fault[]): Fault[] {
  const broken = new Set(misshapen.map((one) => String(one.params?.setting).split('.')[0]));
  return rules.filter((rule) => !rule.reads.some((part) => broken.has(part))).flatMap((rule) => rule.check(config));
}

const wrong = (setting: string, problem: string) => fault('config-invalid', { params: { setting, problem } });

function listening({ http, doors }: Config) {
  return [
    { setting: 'http', listen: http.listen, tls: http.tls },
    ...doors.map((door) => ({ setting: `doors.${door.name}`, listen: door.listen, tls: door.tls })),
  ];
}

/** No address beyond loopback without TLS, nor with tokens whose key was only made for trying things out. */
function listeners(config: Config): Fault[] {
  return listening(config).flatMap(({ setting, listen, tls }) => {
    if (listen === undefined) return [];
    const at = parseListen(listen);
    if (!at) return [wrong(`${setting}.listen`, 'the port must be at most 65535')];
    if (isLoopback(at.host)) return [];
    const params = { setting: `${setting}.listen`, address: listen };
    return [
      ...(tls ? [] : [fault('listener-exposed', { params })]),
      ...(setting === 'http' && config.access.issuer.kind === 'development'
        ? [fault('issuer-development', { params })]
        : []),
    ];
  });
}

/** Certificates that cannot be read are better found now than at the first connection. */
function certificates(config: Config): Fault[] {
  return listening(config).flatMap(({ setting, tls }) =>
    (['cert', 'key', 'ca'] as const).flatMap((part) => {
      const file = tls?.[part];
      if (file === undefined) return [];
      try {
        accessSync(file, constants.R_OK);
        return [];
      } catch {
        return [fault('config-reference-missing', { params: { setting: `${setting}.tls.${part}`, reference: file } })];
      }
    }),
  );
}

function doorNames({ doors, destinations }: Config): Fault[] {
  const names = [...doors, ...destinations].map((door) => door.name);
  const twice = names.filter((name, at) => names.indexOf(name) !== at);
  return [...new Set(twice)].map((name) => wrong(`doors.${name}`, 'is the name of two doors; names must differ'));
}

function access({ access }: Config): Fault[] {
  const faults: Fault[] = [];
  if (access.issuer.kind === 'own') {
    if (!access.issuer.url) faults.push(wrong('access.issuer.url', 'is needed with kind "own"'));
    if (!access.issuer.keys) faults.push(wrong('access.issuer.keys', 'is needed with kind "own"'));
  }
  const ids = access.clients.map((client) => client.client_id);
  access.clients.forEach((client, at) => {
    const setting = `access.clients[${at}]`;
    if (ids.indexOf(client.client_id) !== at) faults.push(wrong(`${setting}.client_id`, 'is given twice'));
    if (client.jwks && client.jwks_uri) faults.push(wrong(setting, 'has both jwks and jwks_uri; give one'));
    faults.push(...keySource(`${setting}.jwks_uri`, client.jwks_uri));
    for (const one of client.redirect_uris ?? []) faults.push(...keySource(`${setting}.redirect_uris`, one));
  });
  faults.push(...keySource('access.login.issuer', access.login?.issuer));
  if (access.login && access.issuer.kind === 'none') {
    faults.push(wrong('access.login', 'needs an own issuer (access.issuer.kind "own"): it makes the tokens'));
  }
  access.trusted.forEach((one, at) => {
    faults.push(...keySource(`access.trusted[${at}].jwks_uri`, one.jwks_uri));
  });
  return faults;
}

/** Keys fetched in clear from another machine could be anyone's. */
function keySource(setting: string, uri: string | undefined): Fault[] {
  if (uri === undefined) return [];
  if (!URL.canParse(uri)) return [wrong(setting, 'is not a URL')];
  const url = new URL(uri);
  const safe = url.protocol === 'https:' || isLoopback(url.hostname.replace(/^\[|\]$/g, ''));
  return safe ? [] : [wrong(setting, 'must be https, except on loopback: in clear it could be anyone’s')];
}

/** With marks the wrong way round a door that has shut would never open, or never be seen shut. */
function waterMarks({ limits, doors }: Config): Fault[] {
  const marked = [
    { setting: 'limits.waiting', waiting: limits.waiting },
    ...doors.map(({ name, waiting }) => ({ setting: `doors.${name}.waiting`, waiting })),
  ];
  return marked
    .filter(({ waiting }) => waiting !== undefined && waiting.high > 0 && waiting.low >= waiting.high)
    .map(({ setting }) => wrong(`${setting}.low`, 'must be less than `high`'));
}

function timezone({ timezone }: Config): Fault[] {
  try {
    new Intl.DateTimeFormat('en', { timeZone: timezone });
    return [];
  } catch {
    return [wrong('timezone', `${timezone} is no IANA time zone, such as Europe/Paris`)];
  }
}
