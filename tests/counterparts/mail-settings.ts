import { join } from 'node:path';
import type { Certificates, Ports } from './mail-house.ts';

/** postconf(5): everything on loopback and in one folder; no local delivery, mailboxes by LMTP, DSN as asked. */
export function postfixMain(folder: string, ports: Ports, { ca, cert, key }: Certificates, domains: string): string {
  const texthash = (name: string) => `texthash:${join(folder, 'postfix', name)}`;
  const settings = {
    compatibility_level: '3.6',
    queue_directory: join(folder, 'queue'),
    data_directory: join(folder, 'data'),
    command_directory: '/usr/sbin',
    daemon_directory: '/usr/lib/postfix/sbin',
    mail_owner: 'postfix',
    setgid_group: 'postdrop',
    maillog_file: join(folder, 'postfix.log'),
    maillog_file_prefixes: folder,
    myhostname: 'operator.test',
    inet_interfaces: '127.0.0.1',
    inet_protocols: 'ipv4',
    mydestination: '',
    mynetworks: '',
    alias_maps: '',
    default_transport: 'error:only test mailboxes',
    virtual_mailbox_domains: domains,
    virtual_mailbox_maps: texthash('boxes'),
    virtual_alias_maps: texthash('aliases'),
    virtual_transport: `lmtp:inet:127.0.0.1:${ports.lmtp}`,
    message_size_limit: '41943040',
    queue_run_delay: '2s',
    minimal_backoff_time: '1s',
    smtpd_sasl_auth_enable: 'yes',
    smtpd_sasl_type: 'dovecot',
    smtpd_sasl_path: `inet:127.0.0.1:${ports.auth}`,
    smtpd_tls_security_level: 'encrypt',
    smtpd_tls_auth_only: 'yes',
    smtpd_tls_cert_file: cert,
    smtpd_tls_key_file: key,
    smtpd_tls_CAfile: ca,
    smtpd_tls_req_ccert: 'yes',
    smtpd_tls_mandatory_protocols: '>=TLSv1.2',
    smtpd_client_connection_count_limit: '0',
    smtpd_client_connection_rate_limit: '0',
    smtpd_error_sleep_time: '0',
    smtpd_hard_error_limit: '1000',
    smtpd_relay_restrictions: 'permit_sasl_authenticated, reject',
    smtpd_recipient_restrictions: [
      'reject_unlisted_recipient',
      `check_policy_service inet:127.0.0.1:${ports.quota}`,
      `check_policy_service inet:127.0.0.1:${ports.grey}`,
      'permit_sasl_authenticated',
      'reject',
    ].join(', '),
  };
  return Object.entries(settings)
    .map(([name, value]) => `${name} = ${value}\n`)
    .join('');
}

/** master(5): the services that submission, queue, LMTP and reports need, none in a chroot. */
export function masterCf({ smtp }: Ports): string {
  const shared = new Set(['cleanup', 'qmgr', 'flush', 'postlog']);
  const service = (name: string, type: string, wakeup: string, most: string, program: string) =>
    `${name} ${type} ${type === 'inet' || shared.has(name) ? 'n' : '-'} - n ${wakeup} ${most} ${program}\n`;
  const unix = (name: string, program = name) => service(name, 'unix', '-', '-', program);
  return [
    service(`127.0.0.1:${smtp}`, 'inet', '-', '-', 'smtpd'),
    service('cleanup', 'unix', '-', '0', 'cleanup'),
    service('qmgr', 'unix', '2', '1', 'qmgr'),
    service('tlsmgr', 'unix', '1000?', '1', 'tlsmgr'),
    service('bounce', 'unix', '-', '0', 'bounce'),
    service('defer', 'unix', '-', '0', 'bounce'),
    service('trace', 'unix', '-', '0', 'bounce'),
    service('verify', 'unix', '-', '1', 'verify'),
    service('flush', 'unix', '1000?', '0', 'flush'),
    service('anvil', 'unix', '-', '1', 'anvil'),
    service('scache', 'unix', '-', '1', 'scache'),
    service('postlog', 'unix-dgram', '-', '1', 'postlogd'),
    unix('rewrite', 'trivial-rewrite'),
    unix('proxymap'),
    unix('smtp'),
    unix('lmtp'),
    unix('error'),
    unix('retry', 'error'),
    unix('discard'),
  ].join('');
}

/** doveconf(1): IMAP with and without TLS, LMTP, logins for Postfix, quota as an answer to Postfix and to LMTP. */
export function dovecotConf(folder: string, ports: Ports, { cert, key }: Certificates): string {
  const listener = (port: number, more = '') => `address = 127.0.0.1\n port = ${port}\n ${more}`;
  return `
base_dir = ${join(folder, 'dovecot', 'run')}
state_dir = ${join(folder, 'dovecot', 'state')}
log_path = ${join(folder, 'dovecot.log')}
protocols = imap lmtp
listen = 127.0.0.1
ssl = yes
ssl_cert = <${cert}
ssl_key = <${key}
ssl_min_protocol = TLSv1.2
mail_location = maildir:${join(folder, 'mail')}/%u
mail_uid = mail
mail_gid = mail
first_valid_uid = 1
mail_max_userip_connections = 50
mail_plugins = quota
quota_full_tempfail = no
lmtp_rcpt_check_quota = yes
passdb {
  driver = passwd-file
  args = username_format=%u ${join(folder, 'dovecot', 'users')}
}
userdb {
  driver = passwd-file
  args = username_format=%u ${join(folder, 'dovecot', 'users')}
  default_fields = uid=mail gid=mail home=${join(folder, 'mail')}/%u
}
service imap-login {
  inet_listener imap {
    ${listener(ports.imap)}
  }
  inet_listener imaps {
    ${listener(ports.imaps, 'ssl = yes')}
  }
}
service lmtp {
  inet_listener lmtp {
    ${listener(ports.lmtp)}
  }
}
service auth {
  inet_listener {
    ${listener(ports.auth)}
  }
}
service quota-status {
  executable = quota-status -p postfix
  client_limit = 1
  inet_listener {
    ${listener(ports.quota)}
  }
}
plugin {
  quota = maildir:User quota
  quota_rule = *:storage=1G
  quota_grace = 0
  quota_status_success = DUNNO
  quota_status_nouser = DUNNO
  quota_status_overquota = "552 5.2.2 Mailbox is full"
}
`;
}
