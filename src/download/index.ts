// What the download offers to the extension and the command line.

export { DownloadError, type DownloadErrorCode } from './errors';
export type * from './types';
