import type { Door, DoorContext, DoorType } from '../../adapter.ts';
import { fault } from '../../errors.ts';
import { annuaireDirectory } from './annuaire.ts';
import { answersOf } from './answer.ts';
import { configSchema, type MailConfig } from './config.ts';
import { deliverMail } from './deliver.ts';
import { csvDirectory, type Directory } from './directory.ts';
import { checkMailbox, openReceiver, type Receiver } from './receive.ts';
import { openSender, type Sender } from './smtp.ts';
import { wantsOf } from './wants.ts';

/** Secure health mail (MSSanté): documents out by SMTP, documents and reports in by IMAP. */
export const door: DoorType<MailConfig> = {
  configSchema,
  create: (context) => new MailDoor(context),
};

class MailDoor implements Door {
  private readonly context: DoorContext<MailConfig>;
  private readonly directories: Directory[];
  private readonly sender: Sender | undefined;
  private readonly receiver: Receiver | undefined;

  constructor(context: DoorContext<MailConfig>) {
    const { smtp, imap, directory, annuaire } = context.config;
    this.context = context;
    this.directories = [
      ...(directory ? [csvDirectory(directory)] : []),
      ...(annuaire ? [annuaireDirectory(annuaire)] : []),
    ];
    this.sender = smtp && openSender(smtp);
    this.receiver = imap && openReceiver(context);
  }

  wants(written: Parameters<NonNullable<Door['wants']>>[0]) {
    return wantsOf(written, this.context.name, this.context.config);
  }

  answers(ended: Parameters<NonNullable<Door['answers']>>[0]) {
    return answersOf(ended, this.context.config);
  }

  async deliver(delivery: Parameters<NonNullable<Door['deliver']>>[0]) {
    const { context, sender, directories } = this;
    if (!sender) {
      const faults = [fault('destination-unknown', { params: { destination: context.name } })];
      return { outcome: 'permanent' as const, faults };
    }
    return deliverMail(delivery, { context, sender, directories });
  }

  async check() {
    const { sender, context } = this;
    const [out, inside] = await Promise.all([sender?.check(), context.config.imap && checkMailbox(context)]);
    return [...(out ?? []), ...(inside ?? [])];
  }

  async start() {
    this.receiver?.start();
  }

  async stop() {
    await this.receiver?.stop();
    this.sender?.close();
  }
}
