// Where the last measurement of the machine is kept.

export type { Measured } from './measureReport';

/** Its key in the extension's state. */
export const MEASURED = 'machine.measured';
