import { readFileSync } from 'node:fs';

/**
 * High-water mark of this process's resident memory in MB; what is resident now where the system does not tell. It never
 * falls: measure in a process of its own, before and after the work.
 */
export function peakMemory(): number {
  try {
    return Number(/VmHWM:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]) / 1024;
  } catch {
    return process.memoryUsage().rss / 1024 / 1024;
  }
}
