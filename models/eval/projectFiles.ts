// The projects of the evaluation: several files each, so that a file can be completed with what the others of its project say.

import { statSync } from 'node:fs';
import { BadInput } from '../../src/cliInput';
import { linesWith } from './jsonLine';
import { LANGUAGES, type EvalFile } from './files';

/** A package, or a folder. */
export interface Project {
  name: string;
  files: EvalFile[];
}

/**
 * Reads projects.jsonl: one {project, path, language, text} a line, blank lines aside.
 * @throws BadInput where there is no such file, or naming the line that is damaged
 */
export function readProjects(path: string): Project[] {
  if (!statSync(path, { throwIfNoEntry: false })?.isFile())
    throw new BadInput(`The projects ${path} are missing. Restore the file, or give --files.`);
  const projects = new Map<string, Project>();
  for (const { found, place } of linesWith(path, ['project', 'path', 'language', 'text'])) {
    const language = LANGUAGES.find((known) => known === found.language);
    if (language === undefined) throw new BadInput(`${place} is damaged: its language is not known.`);
    const project = projects.get(found.project) ?? { name: found.project, files: [] };
    project.files.push({ language, path: found.path, text: found.text });
    projects.set(project.name, project);
  }
  return [...projects.values()];
}
