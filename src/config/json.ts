const blank = /[ \t\r\n]*/y;
const string = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;
const plain = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/y;

/** Where a text stops being JSON; for a file in which a person looks for the slip, as `JSON.parse` often tells no place. */
export function placeOfError(text: string): { line: number; column: number } {
  let at = 0;
  const take = (pattern: RegExp): boolean => {
    pattern.lastIndex = at;
    if (!pattern.test(text)) return false;
    at = pattern.lastIndex;
    return true;
  };
  const sign = (expected: string): boolean => {
    take(blank);
    if (text[at] !== expected) return false;
    at += 1;
    return true;
  };
  const entries = (entry: () => boolean, end: string): boolean => {
    if (sign(end)) return true;
    do if (!entry()) return false;
    while (sign(','));
    return sign(end);
  };
  const key = (): boolean => {
    take(blank);
    return take(string);
  };
  const value = (): boolean => {
    if (sign('{')) return entries(() => key() && sign(':') && value(), '}');
    if (sign('[')) return entries(value, ']');
    return take(string) || take(plain);
  };
  if (value()) take(blank);
  const before = text.slice(0, at);
  return { line: before.split('\n').length, column: at - before.lastIndexOf('\n') };
}
