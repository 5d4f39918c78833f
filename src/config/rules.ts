import { accessSync, constants } from 'node:fs';
import type { Words } from '../errors/entry.ts';
import { type Fault, fault } from '../errors.ts';
import { isLoopback, parseListen } from './listen.ts';
import type { Config, TlsConfig } from './shape.ts';
import { touchedBy, withoutEntries } from './sound.ts';

/** Each rule and the parts of the configuration it reads; it is asked only when these have the right shape. */
const rules: { reads: (keyof Config)[]; check: (config: Config) => Fault[] }[] = [
  { reads: ['http'], check: (config) => addresses(httpOf(config)) },
  { reads: ['http', 'access'], check: developmentIssuer },
  { reads: ['http'], check: (config) => certificates(httpOf(config)) },
  { reads: ['doors'], check: (config) => addresses(doorsOf(config)) },
  {
    reads: ['doors', 'destinations'],
    check: (config) => certificates([...doorsOf(config), ...destinationsOf(config)]),
  },
  { reads: ['doors', 'destinations'], check: doorNames },
  { reads: ['access'], check: access },
  { reads: ['timezone'], check: timezone },
  { reads: ['limits', 'doors'], check: waterMarks },
];

/** What a schema cannot say: how settings depend on each other. `misshapen` is what the schema found; the rest is asked. */
export function checkRules(config: Config, misshapen: Fault[]): Fault[] {
  const touched = touchedBy(misshapen);
  const sound = withoutEntries(config, touched);
  return rules
    .filter((rule) => !rule.reads.some((part) => touched.parts.has(part)))
    .flatMap((rule) => rule.check(sound));
}

const wrong = (setting: string, problem: Words) => fault('config-invalid', { params: { setting, problem } });

/** What listens, or has certificates, and what it is called. */
interface Side {
  setting: string;
  listen?: string;
  tls?: TlsConfig;
}

const httpOf = ({ http }: Config): Side[] => [{ setting: 'http', listen: http.listen, tls: http.tls }];
const doorsOf = ({ doors }: Config): Side[] => doors.map((door) => ({ ...door, setting: `doors.${door.name}` }));
const destinationsOf = ({ destinations }: Config): Side[] =>
  destinations.map((one) => ({ ...one, setting: `destinations.${one.name}` }));

/** No address beyond loopback without TLS. */
function addresses(sides: Side[]): Fault[] {
  return sides.flatMap(({ setting, listen, tls }) => {
    if (listen === undefined) return [];
    const at = parseListen(listen);
    if (!at)
      return [wrong(`${setting}.listen`, { fr: 'le port va jusqu’à 65535', en: 'the port must be at most 65535' })];
    if (isLoopback(at.host) || tls) return [];
    return [fault('listener-exposed', { params: { setting: `${setting}.listen`, address: listen } })];
  });
}

/** No address beyond loopback with tokens whose key was only made for trying things out. */
function developmentIssuer({ http, access }: Config): Fault[] {
  const at = parseListen(http.listen);
  if (!at || isLoopback(at.host) || access.issuer.kind !== 'development') return [];
  return [fault('issuer-development', { params: { setting: 'http.listen', address: http.listen } })];
}

/** Certificates that cannot be read are better found now than at the first connection. */
function certificates(sides: Side[]): Fault[] {
  return sides.flatMap(({ setting, tls }) =>
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
  return [...new Set(twice)].map((name) =>
    wrong(`doors.${name}`, {
      fr: 'est le nom de deux portes ; chaque porte a le sien',
      en: 'is the name of two doors; names must differ',
    }),
  );
}

const neededByOwn = { fr: 'est nécessaire avec kind "own"', en: 'is needed with kind "own"' };

function access({ access }: Config): Fault[] {
  const faults: Fault[] = [];
  if (access.issuer.kind === 'own') {
    if (!access.issuer.url) faults.push(wrong('access.issuer.url', neededByOwn));
    if (!access.issuer.keys) faults.push(wrong('access.issuer.keys', neededByOwn));
  }
  const ids = access.clients.map((client) => client.client_id);
  access.clients.forEach((client, at) => {
    const setting = `access.clients[${at}]`;
    if (ids.indexOf(client.client_id) !== at)
      faults.push(wrong(`${setting}.client_id`, { fr: 'est donné deux fois', en: 'is given twice' }));
    if (client.jwks && client.jwks_uri)
      faults.push(
        wrong(setting, { fr: 'a jwks et jwks_uri ; donnez l’un des deux', en: 'has both jwks and jwks_uri; give one' }),
      );
    faults.push(...keySource(`${setting}.jwks_uri`, client.jwks_uri));
    for (const one of client.redirect_uris ?? []) faults.push(...keySource(`${setting}.redirect_uris`, one));
  });
  faults.push(...keySource('access.login.issuer', access.login?.issuer));
  if (access.login && access.issuer.kind === 'none') {
    faults.push(
      wrong('access.login', {
        fr: 'demande un émetteur propre (access.issuer.kind "own") : c’est lui qui fait les jetons',
        en: 'needs an own issuer (access.issuer.kind "own"): it makes the tokens',
      }),
    );
  }
  access.trusted.forEach((one, at) => {
    faults.push(...keySource(`access.trusted[${at}].jwks_uri`, one.jwks_uri));
  });
  return faults;
}

const inClear = {
  fr: 'doit être en https, sauf en local : en clair, ce pourrait être à n’importe qui',
  en: 'must be https, except on loopback: in clear it could be anyone’s',
};

/** Keys fetched in clear from another machine could be anyone's. */
function keySource(setting: string, uri: string | undefined): Fault[] {
  if (uri === undefined) return [];
  if (!URL.canParse(uri)) return [wrong(setting, { fr: 'n’est pas une URL', en: 'is not a URL' })];
  const url = new URL(uri);
  const safe = url.protocol === 'https:' || isLoopback(url.hostname.replace(/^\[|\]$/g, ''));
  return safe ? [] : [wrong(setting, inClear)];
}

/** With marks the wrong way round a door that has shut would never open, or never be seen shut. */
function waterMarks({ limits, doors }: Config): Fault[] {
  const marked = [
    { setting: 'limits.waiting', waiting: limits.waiting },
    ...doors.map(({ name, waiting }) => ({ setting: `doors.${name}.waiting`, waiting })),
  ];
  return marked
    .filter(({ waiting }) => waiting !== undefined && waiting.high > 0 && waiting.low >= waiting.high)
    .map(({ setting }) =>
      wrong(`${setting}.low`, { fr: 'doit être inférieur à `high`', en: 'must be less than `high`' }),
    );
}

function timezone({ timezone }: Config): Fault[] {
  try {
    new Intl.DateTimeFormat('en', { timeZone: timezone });
    return [];
  } catch {
    return [
      wrong('timezone', {
        fr: `${timezone} n’est pas un fuseau horaire IANA comme Europe/Paris`,
        en: `${timezone} is no IANA time zone, such as Europe/Paris`,
      }),
    ];
  }
}
