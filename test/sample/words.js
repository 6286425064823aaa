export function countWords(text) {
  const counts = new Map();
  for (const word of text.toLowerCase().split(/\s+/)) {
    counts.set(word, (counts.get(word) ?? 0) + 1);
  }
  return counts;
}

export function longest(words) {
  let result = '';
  for (const word of words) {
    if (word.length > result.length) result = word;
  }
  return result;
}
