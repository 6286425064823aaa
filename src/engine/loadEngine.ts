// Which engine a model folder needs.

import { t } from '../l10n';
import { Engine, type EngineOptions } from './engine';
import { EngineError } from './errors';
import { isEncoderDecoderFolder } from './modelFolder';
import { Seq2SeqEngine } from './seq2seq/engine';

/** An engine of either kind. */
export type AnyEngine = Engine | Seq2SeqEngine;

/** Loads a model of either kind. @throws EngineError naming the file that is missing or damaged */
export function loadEngine(options: EngineOptions): Promise<AnyEngine> {
  return isEncoderDecoderFolder(options.modelDir) ? Seq2SeqEngine.load(options) : Engine.load(options);
}

/** The engine, where it is a decoder's. @throws EngineError `model_unsupported` for any other */
export function decoderOf(engine: AnyEngine): Engine {
  if (engine instanceof Engine) return engine;
  throw new EngineError(
    'model_unsupported',
    t('{0} is an encoder–decoder model: it can be used for Generate only.', engine.info.name),
  );
}
