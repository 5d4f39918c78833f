import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** More than the gateway wants to stay free, so that it takes messages. */
const ROOMY = '1g';

/**
 * A folder whose disk can be filled: a file system of its own in memory where mounting is allowed, else limits on the size of
 * the process's files.
 */
export class Disk {
  readonly folder = mkdtempSync(join(tmpdir(), 'passerelle-chaos-'));
  readonly #mounted = run('mount', '-t', 'tmpfs', '-o', `size=${ROOMY}`, 'tmpfs', this.folder);

  /** Why no disk can be filled here; undefined when it can. */
  get unavailable(): string | undefined {
    if (this.#mounted || run('prlimit', '--version')) return undefined;
    return 'neither mount nor prlimit may be used here';
  }

  /** From now on `spare` bytes can be written, no more. */
  fill(spare: number, pid: number | undefined): void {
    if (this.#mounted) {
      const { blocks, bfree, bsize } = statfsSync(this.folder);
      run('mount', '-o', `remount,size=${(blocks - bfree) * bsize + spare}`, this.folder);
    } else if (pid !== undefined) run('prlimit', '--pid', String(pid), '--fsize=65536:unlimited');
  }

  /** Somebody has made room. */
  free(pid: number | undefined): void {
    if (this.#mounted) run('mount', '-o', `remount,size=${ROOMY}`, this.folder);
    else if (pid !== undefined) run('prlimit', '--pid', String(pid), '--fsize=unlimited:unlimited');
  }

  remove(): void {
    if (this.#mounted) run('umount', '-l', this.folder);
    rmSync(this.folder, { recursive: true, force: true });
  }
}

function run(command: string, ...args: string[]): boolean {
  return spawnSync(command, args, { stdio: 'ignore' }).status === 0;
}
