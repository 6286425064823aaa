/** Input that cannot be used; its message is one line for people. */
export class BadInput extends Error {}
