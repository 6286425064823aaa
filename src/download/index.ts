// What the download offers to the extension and the command line; the bundle dist/download.js, which is loaded when it is needed.

export { useStrings } from '../l10n';
export { buildOnce, findBuilt } from './built';
export { filesToFetch } from './choice';
export { describeRepo } from './describe';
export { download } from './download';
export { environmentFetch } from './environmentFetch';
export { DownloadError, type DownloadErrorCode } from './errors';
export { removeModel, storedModels } from './store';
export type * from './types';
export { verify } from './verify';
