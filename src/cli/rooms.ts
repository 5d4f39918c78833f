/** Rooms that take long to open; loaded when a command needs them, so that `--help` is quick. */
export const gateway = () => import('../gateway.ts');
/** The examiner's room, loaded when a command needs it. */
export const profile = () => import('../profile/index.ts');
