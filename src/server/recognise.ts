// Which kind of server answers at an address, and which model it has: by what it says of itself.

import type { Kind } from './dialects';
import { notUnderstood, ServerFault, unknownModel } from './fault';
import { fieldsOf, listOf, numberOf, textOf, type Fields } from './fields';
import type { Transport } from './transport';

/** What is known of a server. */
export interface Known {
  kind: Kind;
  /** The name to ask for. */
  model: string;
  /** Names by which the family of the model may be told: a server may call it by an alias. */
  names: string[];
  /** Most tokens of prompt and completion together, where the server says. */
  contextLength: number | undefined;
}

/**
 * Asks a server what it is.
 * @param wanted the setting glassbox.server.model; '': the server's first
 * @throws ServerFault
 */
export async function recognise(transport: Transport, wanted: string, signal: AbortSignal): Promise<Known> {
  const { base } = transport.address;
  const listed = await transport.get('/v1/models', signal);
  const models = listOf(listed?.['data']).map(fieldsOf);
  const owners = models.map((model) => model['owned_by']);
  const vllm = owners.includes('vllm');
  const llamaCpp = owners.includes('llamacpp');
  // Only who does not say what it is in its list is asked further. Who has models and refuses these paths, or sends them elsewhere, as
  // gateways do, is of another kind; llama.cpp refuses them while it loads, and is asked again.
  const ask = async (path: string): Promise<Fields> => {
    if (vllm) return {};
    try {
      return (await transport.get(path, signal)) ?? {};
    } catch (error) {
      if (models.length > 0 && !llamaCpp && error instanceof ServerFault) return {};
      throw error;
    }
  };
  const [props, version, info] = await Promise.all(['/props', '/api/version', '/info'].map(ask));
  const ids = models.map((model) => textOf(model['id'])).filter((id) => id !== '');
  if (vllm) {
    const model = chosen(base, wanted, ids);
    const found = models.find(({ id }) => id === model) ?? {};
    return {
      kind: 'vLLM',
      model,
      names: [model, textOf(found['root'])],
      contextLength: numberOf(found['max_model_len']),
    };
  }
  if (llamaCpp || props?.['default_generation_settings'] !== undefined) {
    const contextLength = numberOf(fieldsOf(props?.['default_generation_settings'])['n_ctx']);
    const model = wanted || (ids[0] ?? ''); // it has one, or loads by name
    return { kind: 'llama.cpp', model, names: [model, fileName(textOf(props?.['model_path']))], contextLength };
  }
  if (typeof version?.['version'] === 'string') {
    const model = chosen(base, wanted, ids);
    return { kind: 'Ollama', model, names: [model], contextLength: undefined };
  }
  if (typeof info?.['model_id'] === 'string') {
    const model = info['model_id'];
    if (wanted !== '' && wanted !== model && !ids.includes(wanted)) throw unknownModel(base, wanted, [model]);
    return { kind: 'TGI', model, names: [model], contextLength: numberOf(info['max_total_tokens']) };
  }
  if (listed === undefined || !Array.isArray(listed['data'])) throw notUnderstood(base, '/v1/models');
  const model = chosen(base, wanted, ids);
  return { kind: 'OpenAI', model, names: [model], contextLength: undefined };
}

/** The wanted model, where the server has it; Ollama lists `name` as `name:latest`. */
function chosen(base: string, wanted: string, ids: readonly string[]): string {
  if (wanted === '') {
    const [first] = ids;
    if (first === undefined) throw unknownModel(base, wanted, []);
    return first;
  }
  if (ids.length > 0 && !ids.includes(wanted) && !ids.includes(`${wanted}:latest`))
    throw unknownModel(base, wanted, ids);
  return wanted;
}

function fileName(path: string): string {
  return path.split(/[\\/]/).at(-1) ?? '';
}
