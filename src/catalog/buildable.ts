// Which models a graph can be built of from their original weights, as far as the configuration tells. Pure; engine/build does it.

/** `model_type` of the families whose layers are known. */
const FAMILIES = new Set(['llama', 'mistral', 'qwen2', 'qwen3']);

/** Whether engine/build has the family of a `config.json`; what it cannot do of that family it says when it is asked. */
export function isBuildable(config: Record<string, unknown>): boolean {
  return FAMILIES.has(String(config['model_type'])) && config['quantization_config'] === undefined;
}
