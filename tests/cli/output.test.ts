import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';
import { bin } from './run.ts';

describe('what is printed into something that does not take it', () => {
  const file = fileURLToPath(new URL('../golden/hl7v2-adt-a01/input.hl7', import.meta.url));
  const shell = (line: string) =>
    new Promise<{ code: number; out: string }>((resolve) => {
      const environment = { PATH: process.env.PATH, NODE: process.execPath, BIN: bin, FILE: file };
      execFile('bash', ['--norc', '-c', `set -o pipefail; ${line}`], { env: environment }, (error, stdout, stderr) => {
        resolve({ code: Number(error?.code ?? 0), out: stdout + stderr });
      });
    });

  test('a pipe that ended is no fault, of either stream', async () => {
    expect(await shell('"$NODE" "$BIN" convert "$FILE" --account 2>/dev/null | head -c 1')).toEqual({
      code: 0,
      out: '{',
    });
    // Nobody reads stderr at all: the conversion is still done.
    expect(await shell('"$NODE" "$BIN" convert "$FILE" --account 2> >(:) >/dev/null')).toEqual({ code: 0, out: '' });
  });

  test('a full disk is one: 3', async () => {
    const { code, out } = await shell('"$NODE" "$BIN" convert "$FILE" >/dev/full');
    expect({ code, out }).toEqual({ code: 3, out: expect.stringContaining('passerelle: stdout: ENOSPC') });
    expect(out).not.toMatch(/at .*\(/);
  });
});
