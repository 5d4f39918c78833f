/** Where the next character that is not white space stands. */
export function skipBlank(text: string, from: number): number {
  let at = from;
  for (
    let code = text.charCodeAt(at);
    code === 32 || code === 10 || code === 13 || code === 9;
    code = text.charCodeAt(at)
  )
    at++;
  return at;
}

/** True for what a name ends at: white space, `=`, `/`, `>`, `?`, a quote, `<`. */
export function isNameEnd(code: number): boolean {
  if (code > 0x3f) return false;
  if (code <= 32 || code === 0x3e || code === 0x2f || code === 0x3d || code === 0x3f || code === 0x3c) return true;
  return code === 0x22 || code === 0x27;
}

/** Where a name ends, at the latest with the text. */
export function nameEnd(text: string, from: number): number {
  for (let at = from; at < text.length; at++) if (isNameEnd(text.charCodeAt(at))) return at;
  return text.length;
}

/** Line ends as XML wants them read (section 2.11): every CR LF and lone CR is one LF. */
export function unixLines(text: string): string {
  return text.includes('\r') ? text.replace(/\r\n?/g, '\n') : text;
}
