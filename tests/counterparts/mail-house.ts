import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePorts } from '../chaos/process.ts';
import { type Greylist, startGreylist } from './greylist.ts';
import { dovecotConf, masterCf, postfixMain } from './mail-settings.ts';

const DAEMONS = '/usr/lib/postfix/sbin';

/** Why Postfix and Dovecot cannot be had here; undefined when they can. */
export function whyNoMailHouse(): string | undefined {
  if (process.getuid?.() !== 0) return 'Postfix wants to be started by root';
  for (const program of ['postfix', 'dovecot', 'openssl']) {
    if (spawnSync('which', [program]).status !== 0) return `${program} is not installed`;
  }
  if (!existsSync('/usr/lib/dovecot/lmtp')) return 'dovecot-lmtpd is not installed';
  return existsSync(DAEMONS) ? undefined : `there is no ${DAEMONS}`;
}

export interface Ports {
  smtp: number;
  imap: number;
  imaps: number;
  lmtp: number;
  auth: number;
  quota: number;
  grey: number;
}

/** PEM files of this run: an authority, the servers' certificate and a client's. */
export interface Certificates {
  ca: string;
  cert: string;
  key: string;
  clientCert: string;
  clientKey: string;
}

/**
 * An operator of secure mail on loopback, of Debian's Postfix and Dovecot, with configuration, queue and mailboxes in a
 * folder of its own: submission with STARTTLS, a client certificate and a password; mailboxes by IMAP; a full one; an
 * alias; greylisting when asked. Nothing of the machine's own mail is read or touched.
 */
export class MailHouse {
  readonly folder = mkdtempSync(join(tmpdir(), 'passerelle-operator-'));
  readonly ports: Ports;
  readonly certificates: Certificates;
  readonly greylist: Greylist;
  readonly password = 'mot-de-passe-de-test';
  #running: ChildProcess[] = [];

  private constructor(ports: Ports, greylist: Greylist) {
    this.ports = ports;
    this.greylist = greylist;
    this.certificates = certificatesIn(this.folder);
  }

  /** @param boxes addresses with a mailbox; one whose name begins with `plein` is full from the start */
  static async start(boxes: string[], aliases: Record<string, string> = {}): Promise<MailHouse> {
    const [smtp, imap, imaps, lmtp, auth, quota] = (await freePorts(6)) as [
      number,
      number,
      number,
      number,
      number,
      number,
    ];
    const greylist = await startGreylist();
    const ports = { smtp, imap, imaps, lmtp, auth, quota, grey: greylist.port };
    const house = new MailHouse(ports, greylist);
    house.#furnish(boxes, aliases);
    await house.open();
    return house;
  }

  #furnish(boxes: string[], aliases: Record<string, string>): void {
    const { folder, ports } = this;
    chmodSync(folder, 0o755);
    for (const name of ['postfix', 'queue', 'data', 'dovecot', 'mail']) mkdirSync(join(folder, name), { mode: 0o755 });
    execFileSync('chown', ['postfix', join(folder, 'data')]);
    execFileSync('chown', ['mail:mail', join(folder, 'mail')]);
    const domains = [...new Set([...boxes, ...Object.keys(aliases)].map((one) => one.split('@')[1]))].join(' ');
    const write = (name: string, text: string) => writeFileSync(join(folder, name), text);
    write('postfix/main.cf', postfixMain(folder, ports, this.certificates, domains));
    write('postfix/master.cf', masterCf(ports));
    write('postfix/boxes', boxes.map((one) => `${one} x\n`).join(''));
    write(
      'postfix/aliases',
      Object.entries(aliases)
        .map(([from, to]) => `${from} ${to}\n`)
        .join(''),
    );
    write('dovecot/dovecot.conf', dovecotConf(folder, ports, this.certificates));
    const rule = (box: string) => (box.startsWith('plein') ? 'userdb_quota_rule=*:bytes=1' : '');
    write('dovecot/users', boxes.map((one) => `${one}:{PLAIN}${this.password}::::::${rule(one)}\n`).join(''));
  }

  /** Starts both programs, and again after `close`. */
  async open(): Promise<void> {
    const { folder, ports } = this;
    const run = (name: string, args: string[]) => {
      const child = spawn(name, args, { stdio: ['ignore', 'ignore', 'pipe'] });
      child.stderr?.on('data', () => {});
      this.#running.push(child);
    };
    run('dovecot', ['-F', '-c', join(folder, 'dovecot', 'dovecot.conf')]);
    run('postfix', ['-c', join(folder, 'postfix'), 'start-fg']);
    for (const port of [ports.imap, ports.lmtp, ports.auth, ports.smtp]) await answering(port, this);
  }

  /** Both programs end; queue and mailboxes stay. */
  async close(): Promise<void> {
    spawnSync('postfix', ['-c', join(this.folder, 'postfix'), 'stop']);
    for (const child of this.#running.splice(0)) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      const gone = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGTERM');
      await gone;
    }
  }

  /**
   * Raw mails in the INBOX of an address, with what Dovecot noted in their names (`S` for seen). It renames them while they are
   * looked at: then they are looked at again.
   */
  inbox(address: string): { bytes: Buffer; seen: boolean }[] {
    for (;;) {
      try {
        return this.#mailsOf(join(this.folder, 'mail', address));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      }
    }
  }

  /** Each mail once, by the part of its name that stays, also when it moves from `new` to `cur` in between. */
  #mailsOf(mailbox: string): { bytes: Buffer; seen: boolean }[] {
    const mails = new Map<string, { bytes: Buffer; seen: boolean }>();
    for (const path of ['new', 'cur'].map((part) => join(mailbox, part)).filter((one) => existsSync(one))) {
      for (const name of readdirSync(path)) {
        const seen = /:2,[A-Z]*S/.test(name);
        mails.set(name.split(/[,:]/)[0]!, { bytes: readFileSync(join(path, name)), seen });
      }
    }
    return [...mails.values()];
  }

  log(): string {
    const read = (name: string) => {
      const file = join(this.folder, name);
      return existsSync(file) ? readFileSync(file, 'utf8') : '';
    };
    return `${read('postfix.log')}\n${read('dovecot.log')}`;
  }

  /** Settings of a door that sends as this mailbox. */
  smtp(user: string) {
    const { ca, clientCert, clientKey } = this.certificates;
    const pem = (file: string) => readFileSync(file, 'utf8');
    const client = { cert: pem(clientCert), key: pem(clientKey), ca: pem(ca) };
    return { host: '127.0.0.1', port: this.ports.smtp, security: 'starttls', user, password: this.password, ...client };
  }

  imap(user: string) {
    const ca = readFileSync(this.certificates.ca, 'utf8');
    return { host: '127.0.0.1', port: this.ports.imaps, security: 'tls', user, password: this.password, ca };
  }

  async remove(): Promise<void> {
    await this.close();
    await this.greylist.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

async function answering(port: number, house: MailHouse): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    const there = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1', () => {
        socket.destroy();
        resolve(true);
      });
      socket.on('error', () => resolve(false));
    });
    if (there) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`nobody listens on ${port}:\n${house.log()}`);
}

function certificatesIn(folder: string): Certificates {
  const at = (name: string) => join(folder, name);
  const openssl = (...args: string[]) => execFileSync('openssl', args, { stdio: 'ignore' });
  openssl(
    'req',
    '-x509',
    '-newkey',
    'rsa:2048',
    '-nodes',
    '-days',
    '2',
    '-subj',
    '/CN=Test authority',
    '-keyout',
    at('ca.key'),
    '-out',
    at('ca.pem'),
  );
  const issue = (name: string, subject: string, extensions: string) => {
    writeFileSync(at(`${name}.ext`), extensions);
    openssl(
      'req',
      '-newkey',
      'rsa:2048',
      '-nodes',
      '-subj',
      subject,
      '-keyout',
      at(`${name}.key`),
      '-out',
      at(`${name}.csr`),
    );
    openssl(
      'x509',
      '-req',
      '-days',
      '2',
      '-in',
      at(`${name}.csr`),
      '-CA',
      at('ca.pem'),
      '-CAkey',
      at('ca.key'),
      '-CAcreateserial',
      '-extfile',
      at(`${name}.ext`),
      '-out',
      at(`${name}.pem`),
    );
  };
  issue('server', '/CN=operator.test', 'subjectAltName=IP:127.0.0.1,DNS:localhost\n');
  issue('client', '/CN=CH Alpha', 'extendedKeyUsage=clientAuth\n');
  return {
    ca: at('ca.pem'),
    cert: at('server.pem'),
    key: at('server.key'),
    clientCert: at('client.pem'),
    clientKey: at('client.key'),
  };
}
